// A key and a self-signed certificate for localhost and 127.0.0.1, made for these tests and used nowhere else.
/** PEM, PKCS #8. */
export const key: string = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg6R0II9KBnMPnJVgp
CzKLIkHpBEmm0oeHJWj+g0DSWVShRANCAAR+o/CXdsEPi1nOm1u3iDQuOO5ILcjM
U6JnMxlD3fud/AsChmWx/TdT0BB7IcrpYu3nHfpHS9ZJO84+zCZXSgDA
-----END PRIVATE KEY-----
`;
/** PEM, valid for a hundred years. */
export const certificate: string = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUDBDsfnzUOwcdhu5CJjiDqG7dL5MwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbWFpbC50ZXN0MCAXDTI2MTEyNDExMjAzN1oYDzIxMjYxMDMx
MTEyMDM3WjAUMRIwEAYDVQQDDAltYWlsLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAR+o/CXdsEPi1nOm1u3iDQuOO5ILcjMU6JnMxlD3fud/AsChmWx/TdT
0BB7IcrpYu3nHfpHS9ZJO84+zCZXSgDAo28wbTAdBgNVHQ4EFgQUaMoksrEdOq8C
6XgzmebVWIguI9MwHwYDVR0jBBgwFoAUaMoksrEdOq8C6XgzmebVWIguI9MwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIhAKyxtuzSBW8tP/Qlr3w0yBmRWH7iw5v4Ft8YoN8Hfx9dAiAy
hBMZ3GbenyUxRsUP79P//rrqkclOx3e5rmXFt6iZiQ==
-----END CERTIFICATE-----
`;
