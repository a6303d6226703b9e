typedef int sv_placeholder_net_redis;
