typedef int sv_placeholder_adapt_dns;
