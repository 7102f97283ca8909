import { Argument, type Command, type Option } from "commander";
import { contextOf } from "../context.ts";
import type { Terminal } from "../terminal.ts";

const shells = ["bash", "zsh", "fish"] as const;

/** One command of the tree: its words, and what may follow them. */
interface Completed {
  /** Words after `agentkeys`, joined by blanks; empty for the program itself. */
  readonly words: string;
  /** Subcommands, then options, each with its description. */
  readonly offers: readonly (readonly [string, string])[];
}

/** `agentkeys completion SHELL`: a script that completes commands and options. It is made of the commands themselves. */
export function addCompletion(program: Command, terminal: Terminal): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "whose completion").choices(shells))
    .description("print a completion script for a shell")
    .addHelpText(
      "after",
      `
Examples:
  agentkeys completion bash > ~/.local/share/bash-completion/completions/agentkeys
  agentkeys completion zsh > "\${fpath[1]}/_agentkeys"
  agentkeys completion fish > ~/.config/fish/completions/agentkeys.fish`,
    )
    .action((shell: (typeof shells)[number], _options: unknown, command: Command) => {
      const script = scripts[shell](walk(program, [], program.options));
      contextOf(command, terminal).show({ shell, script }, script.split("\n"));
    });
}

/** Every command below one, with what may follow it; the program's own options may follow anywhere. */
function walk(command: Command, words: readonly string[], everywhere: readonly Option[]): readonly Completed[] {
  const options = [...new Set([...command.options, ...everywhere])].flatMap(
    ({ long, description }): [string, string][] => (typeof long === "string" ? [[long, description]] : []),
  );
  const below = command.commands.map((one): [string, string] => [one.name(), one.description()]);
  const own: Completed = { words: words.join(" "), offers: [...below, ...options, ["--help", "show help"]] };
  return [own, ...command.commands.flatMap((one) => walk(one, [...words, one.name()], everywhere))];
}

const scripts: Readonly<Record<(typeof shells)[number], (commands: readonly Completed[]) => string>> = {
  bash: (commands) => `_agentkeys() {
  local word words="" current="\${COMP_WORDS[COMP_CWORD]}" offers=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word != -- ]] || { COMPREPLY=($(compgen -c -- "$current") $(compgen -f -- "$current")); return; }
    [[ $word == -* ]] || words="\${words:+$words }$word"
  done
  while :; do
    case "$words" in
${commands.map(({ words, offers }) => `      "${words}") offers="${offers.map(([word]) => word).join(" ")}" ;;`).join("\n")}
    esac
    [[ -n $offers || -z $words ]] && break
    [[ $words == *" "* ]] && words="\${words% *}" || words=""
  done
  COMPREPLY=($(compgen -W "$offers" -- "$current"))
  [[ \${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _agentkeys agentkeys`,
  zsh: (commands) => `#compdef agentkeys
_agentkeys() {
  local word path="" found=""
  local -a offers
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ $word == -* ]] || path="\${path:+$path }$word"
  done
  while :; do
    found=1
    case "$path" in
${commands.map(({ words, offers }) => `      "${words}") offers=(${offers.map(([word, text]) => quote(`${word.replaceAll(":", "\\:")}:${text}`)).join(" ")}) ;;`).join("\n")}
      *) found="" ;;
    esac
    [[ -n $found || -z $path ]] && break
    [[ $path == *" "* ]] && path="\${path% *}" || path=""
  done
  _describe agentkeys offers
  _files
}
compdef _agentkeys agentkeys`,
  fish: (commands) => {
    const lines = commands.flatMap(({ words, offers }) =>
      offers.map(([word, text]) => {
        const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
        return `complete -c agentkeys -n "__agentkeys_at ${quote(words)}" ${what} -d ${quote(text)}`;
      }),
    );
    return `function __agentkeys_at
  set -l words (commandline -opc | string match -v -- '-*')
  set -l path (string join ' ' $words[2..-1])
  test -z "$argv[1]"; and test -z "$path"; and return 0
  test -n "$argv[1]"; and string match -q -- "$argv[1]*" "$path"
end
${lines.join("\n")}`;
  },
};

/** For zsh and fish: single quotes, with those inside closed around. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}
