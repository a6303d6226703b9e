/* Public keys for tests, made once by openssl; nobody has the private halves any more. */
#ifndef TEST_DKIM_KEYS_H
#define TEST_DKIM_KEYS_H

#define RSA_768                                                                                    \
    "MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAKuAN3xGTZsEfBZdbk79TMpUiaX0hTL/e5+Cmm7DpkGdakZ4"             \
    "GwgRexZwvNchUczsPSb5rm7AdL/iPTf+htGbjSy2/57BsYFt9fzfdp/piQbl4VMxQFAAqX8YwuT77i5k"             \
    "PwIDAQAB"
#define RSA_1024                                                                                   \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDbIjmXioLdUQGLJPmtUcQj5sIAaSSOBSE0rd8IO7zb"             \
    "IZfRrgRZuNFYxA7LpMjYG0/7Rdl3vSB3Kmuk87qqHEFdvI3L34wj4q6/1T0lE7jZt7z/Rd4GYpTzEAaa"             \
    "M0itkakGMhrEX6r0WmeFS8c+OLLVa5EoESMiQqEFzLr57+k75QIDAQAB"
#define RSA_2048_OTHER                                                                             \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA8WRfZNer9VyMWKjhhGUjk0LvKuSWzjhp+mM/"             \
    "LS2ZWmpslKIgeB1yUgP/1tYca5KzYupW5WaLnF7Lz2Buu/Vs7k3BSVRopKFMgob6JNLBrOfyfmmvWz7C"             \
    "F569pQhAydG1PWdhLerpWq5gqYYjNv2sXe5tyZgPK9+OJm5n6JSvxNVyRSMt+sdwNk0xnstapdpP68UZ"             \
    "ycZzJdTMrQEqHF1NF3Ilwm2ByKETCnRwx6S5nw8y+DPOZGIXGv5TpWZbKNJXscbNKxrLtUb+5/VcX09d"             \
    "gNJ66stJ3tXLeG45uO4YrcIfxoEtK/txKiS56VD7HDqQiTc+vn0s7tAuT8rJEQY3awIDAQAB"
#define RSA_4104                                                                                   \
    "MIICIzANBgkqhkiG9w0BAQEFAAOCAhAAMIICCwKCAgIAo5XyYPOGt4Rxk0vMnb4ODEyzHTdUjN9d3C1S"             \
    "qZbYsowIuo9auZXP7pjObZq1VvLSNFqhrsp7tmUjPcqQBDy4hsvY+TWdGxuyrm+RP7MvcuTkcJ3Cg9Cp"             \
    "uaAHQMj5exV8sZlWl/es59kyLkxJ2DebGuw8yyshh5OvWuH7Kh7OreviEJHYykEtQbSwQXpj+VeZvCwd"             \
    "EV31JQP3xTSARX77hrH2Tl3x3ixp85GUsPLgFbpOKavDRB1PE8dJthZGDO6+X2w1SSA2yvnGD4F8RK4c"             \
    "vO8I2DSSQDUBuQBLUNA0a2SxzuahxQ13R47HEHoWGIc0e3WdDaRLEQvsZSPuex6BU3lgtupXseCXzScU"             \
    "7pMFgJSbZmJoHVGBC/iu1Lz3M18Aw5e5WGva7+tWqYXXYobOr4aGy4hTuC5PU8+UeL0GcsMIr8ZnRn2C"             \
    "Si/MZfIipUK5QvYsm/iPIoRWYRXyCtIhuQVtiEgamJQetqfIydbT7c4pLZAn1gTQm/uKNkBtrq6cDUob"             \
    "e09jJQbdf9MJFnfzsZQkE3/OZTsSstDFkaVZjfXL1dOnKACBPHMO9b2AEsbZxFqInbpszX1KtNctWpCP"             \
    "sSMbBx4QwhBSa734Hn++iB0CMTNZ3PhPx/iISMvx9RJotLw78wytq7rpn/21U2ObeiKECrgNVSJ5LGeM"             \
    "X91geNqzAgMBAAE="
#define ED25519 "iUzwqrV8rFn5MH8B92VhnMGDATmgBy/1msWEi8IVNEE="

#endif
