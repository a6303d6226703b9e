/* sesverify-undeclared: a worker that is broken on purpose. It tells Redis of the first key of
 * commit.lua only; the other keys go as arguments, and undeclared.lua, put in front of the script,
 * makes keys of them again. Linked with
 * --wrap=sv_store_request_script. */
#include "../../../lib/adapt/store/inner.h"

struct sv_store_request *__real_sv_store_request_script(struct sv_store_work *work,
                                                        enum sv_script script, size_t keys,
                                                        size_t args, sv_store_reply_fn *on_reply);
struct sv_store_request *__wrap_sv_store_request_script(struct sv_store_work *work,
                                                        enum sv_script script, size_t keys,
                                                        size_t args, sv_store_reply_fn *on_reply);

struct sv_store_request *__wrap_sv_store_request_script(struct sv_store_work *work,
                                                        enum sv_script script, size_t keys,
                                                        size_t args, sv_store_reply_fn *on_reply)
{
    size_t declared = script == SV_SCRIPT_COMMIT ? 1 : keys;

    return __real_sv_store_request_script(work, script, declared, keys - declared + args, on_reply);
}
