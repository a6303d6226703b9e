typedef int sv_placeholder_adapt_ses;
