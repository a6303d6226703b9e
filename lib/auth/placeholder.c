/* Replaced by the layer's first source. */
typedef int sv_placeholder_auth;
