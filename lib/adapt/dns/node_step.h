/* One step down the tree of names: what a node does between being made and being ready. */
#ifndef SV_DNS_NODE_STEP_H
#define SV_DNS_NODE_STEP_H

#include "nodes.h"

void sv_node_begin(struct sv_node *node);
/* What it looks up is taken off `asks_left`. */
void sv_node_begin_referred(struct sv_node *node, const struct sv_dns_answer *answer,
                            unsigned *asks_left);
void sv_node_stop(struct sv_node *node);

/* nodes.c */
void sv_node_tell(struct sv_node_waiter **list);

#endif
