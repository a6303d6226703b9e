#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "queue.h"

enum { COMMANDS = 300 };

struct book { /* what the callbacks said, in order */
    size_t count;
    struct sv_redis_command *command[COMMANDS];
    enum sv_err err[COMMANDS];
    struct sv_redis_queue *queue; /* set: cancel `victim` from inside the next callback */
    struct sv_redis_command *victim;
};

static void on_done(struct sv_redis_command *command, enum sv_err err, const redisReply *reply)
{
    struct book *book = command->owner;

    assert_null(reply);
    book->command[book->count] = command;
    book->err[book->count++] = err;
    if (book->victim != NULL)
        sv_redis_queue_cancel(book->queue, book->victim);
    book->victim = NULL;
}

static void fill(struct sv_redis_queue *queue, struct sv_redis_command *commands, size_t count,
                 struct book *book)
{
    for (size_t i = 0; i < count; i++) {
        commands[i] = (struct sv_redis_command){.owner = book, .done = on_done};
        sv_redis_queue_push(queue, &commands[i], (sv_ms)(1000 - i));
    }
}

static void replies_come_in_order_while_it_grows(void **state)
{
    static struct sv_redis_command commands[COMMANDS];
    struct sv_redis_queue queue;
    struct sv_redis_slot slot;
    struct book book = {.count = 0};

    (void)state;
    sv_redis_queue_init(&queue);
    assert_int_equal(sv_redis_queue_earliest(&queue), INT64_MAX);
    for (size_t round = 0; round < 40; round++) { /* so that head and tail go round the ring */
        fill(&queue, commands, 7 * round, &book);
        if (round > 0)
            assert_int_equal(sv_redis_queue_earliest(&queue), 1000 - (int)(7 * round) + 1);
        for (size_t i = 0; i < 7 * round; i++) {
            assert_true(sv_redis_queue_pop(&queue, &slot));
            assert_ptr_equal(slot.command, &commands[i]);
        }
        assert_false(sv_redis_queue_pop(&queue, &slot));
    }
    assert_int_equal(book.count, 0);
    sv_redis_queue_fini(&queue);
}

static void it_is_full_at_its_limit(void **state)
{
    static struct sv_redis_command commands[SV_REDIS_INFLIGHT_MAX];
    struct sv_redis_queue queue;
    struct sv_redis_slot slot;

    (void)state;
    sv_redis_queue_init(&queue);
    for (size_t i = 0; i < SV_REDIS_INFLIGHT_MAX; i++) {
        assert_false(sv_redis_queue_is_full(&queue));
        sv_redis_queue_push(&queue, &commands[i], 0);
    }
    assert_true(sv_redis_queue_is_full(&queue));
    assert_int_equal(queue.cap, SV_REDIS_INFLIGHT_MAX);
    while (sv_redis_queue_pop(&queue, &slot))
        continue;
    assert_false(sv_redis_queue_is_full(&queue));
    sv_redis_queue_fini(&queue);
}

static void failure_tells_late_from_lost(void **state)
{
    static struct sv_redis_command commands[10];
    struct sv_errinfo why = {.code = SV_ECONNECT, .text = "gone"};
    struct sv_redis_queue queue;
    struct book book = {.count = 0};

    (void)state;
    sv_redis_queue_init(&queue);
    fill(&queue, commands, 10, &book);
    sv_redis_queue_fail(&queue, 995, &why);
    assert_int_equal(book.count, 0); /* nothing before delivery */
    sv_redis_queue_deliver(&queue);
    assert_int_equal(book.count, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_ptr_equal(book.command[i], &commands[i]);
        assert_int_equal(book.err[i], 1000 - i <= 995 ? SV_ETIMEOUT : SV_ECONNECT);
        assert_int_equal(commands[i].info.code, book.err[i]);
    }
    sv_redis_queue_fini(&queue);
}

/* Who closes the connection is told that he did, however late the answer was. */
static void closing_is_no_lateness(void **state)
{
    static struct sv_redis_command commands[2];
    struct sv_errinfo why = {.code = SV_ECANCELED, .text = "closed"};
    struct sv_redis_queue queue;
    struct book book = {.count = 0};

    (void)state;
    sv_redis_queue_init(&queue);
    fill(&queue, commands, 2, &book);
    sv_redis_queue_fail(&queue, 5000, &why);
    sv_redis_queue_deliver(&queue);
    assert_int_equal(book.count, 2);
    assert_int_equal(book.err[0], SV_ECANCELED);
    assert_int_equal(book.err[1], SV_ECANCELED);
    sv_redis_queue_fini(&queue);
}

static void a_canceled_command_keeps_its_place(void **state)
{
    static struct sv_redis_command commands[3];
    struct sv_redis_queue queue;
    struct sv_redis_slot slot;
    struct book book = {.count = 0};

    (void)state;
    sv_redis_queue_init(&queue);
    fill(&queue, commands, 3, &book);
    sv_redis_queue_cancel(&queue, &commands[1]);
    assert_int_equal(sv_redis_queue_earliest(&queue), 998);
    sv_redis_queue_deliver(&queue);
    assert_int_equal(book.count, 1);
    assert_int_equal(book.err[0], SV_ECANCELED);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(sv_redis_queue_pop(&queue, &slot));
        assert_ptr_equal(slot.command, i == 1 ? NULL : &commands[i]);
    }
    assert_false(sv_redis_queue_pop(&queue, &slot));
    sv_redis_queue_fini(&queue);
}

/* Ended but not told: a cancel then only changes what will be told. */
static void cancel_after_the_end_and_inside_a_callback(void **state)
{
    static struct sv_redis_command commands[4];
    struct sv_errinfo why = {.code = SV_ECONNECT, .text = "gone"};
    struct sv_redis_queue queue;
    struct book book = {.queue = &queue, .victim = &commands[2]};

    (void)state;
    sv_redis_queue_init(&queue);
    fill(&queue, commands, 3, &book);
    sv_redis_queue_fail(&queue, 0, &why);
    sv_redis_queue_cancel(&queue, &commands[1]);
    sv_redis_queue_deliver(&queue);
    assert_int_equal(book.count, 3);
    assert_int_equal(book.err[0], SV_ECONNECT);
    assert_int_equal(book.err[1], SV_ECANCELED);
    assert_int_equal(book.err[2], SV_ECANCELED);
    fill(&queue, commands, 4, &book);
    book.victim = &commands[3];
    sv_redis_queue_cancel(&queue, &commands[0]);
    sv_redis_queue_deliver(&queue); /* what is ended in here waits for the next time */
    assert_int_equal(book.count, 4);
    sv_redis_queue_deliver(&queue);
    assert_int_equal(book.count, 5);
    sv_redis_queue_fini(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_come_in_order_while_it_grows),
        cmocka_unit_test(it_is_full_at_its_limit),
        cmocka_unit_test(failure_tells_late_from_lost),
        cmocka_unit_test(closing_is_no_lateness),
        cmocka_unit_test(a_canceled_command_keeps_its_place),
        cmocka_unit_test(cancel_after_the_end_and_inside_a_callback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
