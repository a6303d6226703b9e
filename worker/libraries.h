/* What the libraries do when memory ends: the same as we do. */
#ifndef SV_WORKER_LIBRARIES_H
#define SV_WORKER_LIBRARIES_H

/* From here on the process ends with SV_ALLOC_EXIT and a word when libuv, jansson or OpenSSL get no
 * memory. By their own ways libuv aborts, a text is taken for unreadable, and OpenSSL leaves
 * authorities out or crashes. To be called before any of them is used. (libcurl: sv_http_new.) */
void sv_libraries_init(void);

#endif
