/*
 * Stands between a process and its disk (LD_PRELOAD). It looks at files in FAULT_FOLDER alone.
 *
 * FAULT_TRACE=file    writes down every write, truncation, sync, rename and removal, and what goes to the standard output, in the
 *                     order in which they ended; nothing is really synced, so the file alone says what a power cut leaves
 * FAULT_SYNC_ERROR=n  the n-th sync fails with EIO; later ones are well, as Linux has it
 * FAULT_SYNC_HANG=n   the n-th sync never ends
 * FAULT_SPACE=n       the disk is full after n bytes
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static long syncs, written;

static long setting(const char *name) { const char *text = getenv(name); return text ? atol(text) : 0; }
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The name of a file of the folder behind a descriptor; 0 where it is another one. */
static int named(int fd, char *name) {
  const char *folder = getenv("FAULT_FOLDER");
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (!folder || length < 0) return 0;
  path[length] = 0;
  size_t most = strlen(folder);
  if (strncmp(path, folder, most) || (path[most] && path[most] != '/')) return 0;
  strcpy(name, path[most] ? path + most + 1 : ".");
  return 1;
}

static void note(const void *bytes, size_t length, const char *format, ...) {
  const char *path = getenv("FAULT_TRACE");
  if (!path) return;
  char head[2 * PATH_MAX];
  va_list args;
  va_start(args, format);
  int size = vsnprintf(head, sizeof head, format, args);
  va_end(args);
  pthread_mutex_lock(&lock);
  if (trace < 0) trace = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
  REAL(write)(trace, head, size);
  for (size_t done = 0; done < length;) done += REAL(write)(trace, (const char *)bytes + done, length - done);
  pthread_mutex_unlock(&lock);
}

static int is_full(size_t length) {
  long space = setting("FAULT_SPACE");
  return space && __sync_add_and_fetch(&written, (long)length) > space;
}

static int synced(int fd, int (*real)(int)) {
  char name[PATH_MAX];
  if (!named(fd, name)) return real(fd);
  long count = __sync_add_and_fetch(&syncs, 1);
  if (count == setting("FAULT_SYNC_ERROR")) { errno = EIO; return -1; }
  if (setting("FAULT_SYNC_HANG") && count >= setting("FAULT_SYNC_HANG")) for (;;) pause();
  if (getenv("FAULT_TRACE")) { note(0, 0, "sync %s\n", name); return 0; }
  return real(fd);
}
int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

static ssize_t put(int fd, const void *bytes, size_t length, off_t at, ssize_t done) {
  char name[PATH_MAX];
  if (done > 0 && named(fd, name)) note(bytes, done, "write %s %ld %zd\n", name, (long)at, done);
  return done;
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
  char name[PATH_MAX];
  if (named(fd, name) && is_full(length)) { errno = ENOSPC; return -1; }
  return put(fd, bytes, length, at, REAL(pwrite64)(fd, bytes, length, at));
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }
ssize_t write(int fd, const void *bytes, size_t length) {
  char name[PATH_MAX];
  if (fd == 1) {
    ssize_t done = REAL(write)(fd, bytes, length);
    if (done > 0) note(bytes, done, "said %zd\n", done);
    return done;
  }
  if (fd > 2 && named(fd, name)) {
    if (is_full(length)) { errno = ENOSPC; return -1; }
    off_t at = lseek(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
    return put(fd, bytes, length, at, REAL(write)(fd, bytes, length));
  }
  return REAL(write)(fd, bytes, length);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (fd != 1) return REAL(writev)(fd, parts, count);
  ssize_t done = 0;
  for (int at = 0; at < count; at++) {
    ssize_t one = write(fd, parts[at].iov_base, parts[at].iov_len);
    if (one < 0) return done > 0 ? done : one;
    done += one;
    if ((size_t)one < parts[at].iov_len) break;
  }
  return done;
}
int ftruncate64(int fd, off_t length) {
  char name[PATH_MAX];
  if (named(fd, name)) note(0, 0, "truncate %s %ld\n", name, (long)length);
  return REAL(ftruncate64)(fd, length);
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static const char *within(const char *path) {
  const char *folder = getenv("FAULT_FOLDER");
  size_t most = folder ? strlen(folder) : 0;
  return folder && !strncmp(path, folder, most) && path[most] == '/' ? path + most + 1 : 0;
}
int rename(const char *from, const char *to) {
  if (within(from) && within(to)) note(0, 0, "rename %s %s\n", within(from), within(to));
  return REAL(rename)(from, to);
}
int unlink(const char *path) {
  if (within(path)) note(0, 0, "unlink %s\n", within(path));
  return REAL(unlink)(path);
}
