/* DNS providers that answer with addresses of their own in place of an alias. Private to lib/auth.
 */
#ifndef SV_AUTH_PROXY_H
#define SV_AUTH_PROXY_H

#include <stdbool.h>

#include "txt.h"

/* True when the address, as facts keep it, is in a published range of such a provider's proxies. */
bool sv_proxy_is_address(struct sv_span address);

/* True when the host is a name server of such a provider; these flatten aliases too, if told to. */
bool sv_proxy_is_server(struct sv_span host);

#endif
