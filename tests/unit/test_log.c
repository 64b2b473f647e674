/* SPDX-License-Identifier: MIT */
/* Messages, lint and the -d log (emu/core/log.h), and error texts (emu/core/error.h). Each test has a process of its own. */
#include "emu/core/log.h"

#include <unistd.h>
#include "tests/unit/mem_helper.h"

/* ---- what goes to stderr ---- */

static FILE *caught;

static void catch_stderr(void)
{
    caught = tmpfile();
    ck_assert_ptr_nonnull(caught);
    fflush(stderr);
    ck_assert_int_ge(dup2(fileno(caught), STDERR_FILENO), 0);
}

/* All of it so far. */
static const char *said(void)
{
    static char text[20000];
    fflush(stderr);
    ssize_t size = pread(fileno(caught), text, sizeof text - 1, 0);
    ck_assert_int_ge(size, 0);
    text[size] = 0;
    return text;
}

START_TEST(messages_are_lines_with_the_programs_name)
{
    catch_stderr();
    message("disk %s: %d", "a.img", 5);
    message("%s", "100%");
    ck_assert_str_eq(said(), "vitrine: disk a.img: 5\nvitrine: 100%\n");
}
END_TEST

START_TEST(long_messages_are_cut_and_still_lines)
{
    static char text[5000];
    catch_stderr();
    memset(text, 'x', sizeof text - 1);
    message("%s", text);
    message("next");
    const char *end = strchr(said(), '\n');
    ck_assert_uint_gt(end - said(), 1000);
    ck_assert_uint_lt(end - said(), 1100);
    ck_assert_str_eq(end + 1, "vitrine: next\n");
}
END_TEST

START_TEST(held_messages_appear_when_the_terminal_is_given_back)
{
    catch_stderr();
    message_hold(false); /* harmless */
    message_hold(true);
    message("one");
    for (unsigned i = 0; i < 300; i++) message("%u", i);
    ck_assert_str_eq(said(), "");
    message_hold(false);
    ck_assert(!strncmp(said(), "vitrine: one\nvitrine: 0\nvitrine: 1\n", 35));
    ck_assert_ptr_nonnull(strstr(said(), "vitrine: 298\nvitrine: 299\n"));
    size_t size = strlen(said());
    message_hold(false); /* once only */
    ck_assert_uint_eq(strlen(said()), size);
    message("after");
    ck_assert_str_eq(said() + size, "vitrine: after\n");
}
END_TEST

/* ---- -d and -D ---- */

START_TEST(items_are_switched_on_by_name)
{
    ck_assert(!log_on(LOG_INT) && !log_on(LOG_IN_ASM));
    ck_assert(log_enable("int", NULL));
    ck_assert(log_on(LOG_INT) && !log_on(LOG_CPU_RESET));
    ck_assert(log_enable("cpu_reset,guest_errors,unimp,in_asm", NULL));
    ck_assert(log_on(LOG_INT) && log_on(LOG_CPU_RESET) && log_on(LOG_GUEST_ERRORS) &&
              log_on(LOG_UNIMPLEMENTED) && log_on(LOG_IN_ASM));
}
END_TEST

START_TEST(an_unknown_item_names_the_known_ones)
{
    static const char *const wrong[] = {"exec", "int,exec", "", "int,", ",int", "in", "int cpu_reset", "INT"};
    struct error error;
    for (unsigned i = 0; i < ARRAY_COUNT(wrong); i++) {
        error.text[0] = 0;
        ck_assert_msg(!log_enable(wrong[i], &error), "%s", wrong[i]);
        ck_assert_ptr_nonnull(
            strstr(error.text, "no such log item; known are int, cpu_reset, guest_errors, unimp, in_asm"));
    }
    ck_assert(!log_enable("int,exec,unimp", &error));
    ck_assert(!strncmp(error.text, "exec: ", 6));
    ck_assert(!log_enable("exec", NULL));
}
END_TEST

START_TEST(the_log_goes_to_stderr_or_to_its_file)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    catch_stderr();
    ck_assert_ptr_eq(log_output(), stderr);
    log_print("plain %d\n", 1);
    log_set_output(file);
    ck_assert_ptr_eq(log_output(), file);
    log_print("to the file %d\n", 2);
    log_set_output(NULL);
    log_print("plain again\n");
    fclose(file); /* not owned, so still open */
    ck_assert_str_eq(text, "to the file 2\n");
    ck_assert_str_eq(said(), "plain 1\nplain again\n");
    free(text);
}
END_TEST

/* ---- lint ---- */

START_TEST(a_broken_rule_is_told_once_for_each_device)
{
    catch_stderr();
    for (unsigned i = 0; i < 3; i++) lint("ide0", "ATA-6, 9.1", "command %02x while busy", 0x20 + i);
    lint("ide1", "ATA-6, 9.1", "command %02x while busy", 0x30);
    lint("ide0", "ATA-6, 9.2", "command %02x while busy", 0x31);
    lint("ide0", "ATA-6, 9.1", "another rule");
    ck_assert_str_eq(said(), "vitrine: lint: ide0: command 20 while busy (ATA-6, 9.1)\n"
                             "vitrine: lint: ide1: command 30 while busy (ATA-6, 9.1)\n"
                             "vitrine: lint: ide0: command 31 while busy (ATA-6, 9.2)\n"
                             "vitrine: lint: ide0: another rule (ATA-6, 9.1)\n");
    ck_assert_uint_eq(lint_count(), 6);
}
END_TEST

START_TEST(guest_errors_shows_every_time)
{
    catch_stderr();
    ck_assert(log_enable("guest_errors", NULL));
    for (unsigned i = 0; i < 3; i++) lint("ide0", "ATA", "command %u", i);
    ck_assert_str_eq(said(), "vitrine: lint: ide0: command 0 (ATA)\nvitrine: lint: ide0: command 1 (ATA)\n"
                             "vitrine: lint: ide0: command 2 (ATA)\n");
}
END_TEST

START_TEST(guest_errors_with_a_log_file_go_there)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    catch_stderr();
    log_set_output(file);
    ck_assert(log_enable("guest_errors", NULL));
    for (unsigned i = 0; i < 2; i++) lint("ide0", "ATA", "command %u", i);
    log_set_output(NULL);
    fclose(file);
    ck_assert_str_eq(said(),
                     "vitrine: lint: ide0: command 0 (ATA)\n"); /* the first is a message all the same */
    ck_assert_str_eq(text, "lint: ide0: command 0 (ATA)\nlint: ide0: command 1 (ATA)\n");
    free(text);
}
END_TEST

START_TEST(quiet_lint_counts_and_says_nothing)
{
    catch_stderr();
    lint_quiet(true);
    lint("ide0", "ATA", "rule");
    lint_quiet(false);
    ck_assert_uint_eq(lint_count(), 1);
    ck_assert_str_eq(said(), "");
    lint("ide0", "ATA", "rule"); /* nobody has seen it yet */
    ck_assert_str_eq(said(), "vitrine: lint: ide0: rule (ATA)\n");
}
END_TEST

START_TEST(many_rules_are_all_remembered)
{
    char device[20];
    catch_stderr();
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 100; i++) {
            snprintf(device, sizeof device, "d%u", i);
            lint(device, "S", "rule");
        }
    }
    unsigned lines = 0;
    for (const char *at = said(); (at = strchr(at, '\n')); at++) lines++;
    ck_assert_uint_eq(lines, 100);
    ck_assert_uint_eq(lint_count(), 200);
}
END_TEST

/* ---- errors ---- */

START_TEST(errors_have_a_text_and_read_well)
{
    struct error error;
    ck_assert(!error_set(&error, "-m: %s: is no size", "banana"));
    ck_assert_str_eq(error.text, "-m: banana: is no size");
    ck_assert(!error_prefix(&error, "-%s", "drive"));
    ck_assert_str_eq(error.text, "-drive: -m: banana: is no size");
    ck_assert(!error_set(NULL, "nobody wants it"));
    ck_assert(!error_prefix(NULL, "nobody wants it"));
}
END_TEST

START_TEST(error_texts_are_cut_at_the_end_of_the_buffer)
{
    struct error error;
    char text[2000];
    memset(text, 'x', sizeof text - 1), text[sizeof text - 1] = 0;
    error_set(&error, "%s", text);
    ck_assert_uint_eq(strlen(error.text), sizeof error.text - 1);
    error_prefix(&error, "-hda"); /* a full text moves back */
    ck_assert_uint_eq(strlen(error.text), sizeof error.text - 1);
    ck_assert(!strncmp(error.text, "-hda: xxx", 9));
    for (size_t prefix = sizeof error.text - 6; prefix < sizeof error.text + 3; prefix++) {
        error_set(&error, "tail");
        error_prefix(&error, "%.*s", (int)prefix, text);
        ck_assert_uint_lt(strlen(error.text), sizeof error.text);
        ck_assert_int_eq(error.text[0], 'x');
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        messages_are_lines_with_the_programs_name,
        long_messages_are_cut_and_still_lines,
        held_messages_appear_when_the_terminal_is_given_back,
        items_are_switched_on_by_name,
        an_unknown_item_names_the_known_ones,
        the_log_goes_to_stderr_or_to_its_file,
        a_broken_rule_is_told_once_for_each_device,
        guest_errors_shows_every_time,
        guest_errors_with_a_log_file_go_there,
        quiet_lint_counts_and_says_nothing,
        many_rules_are_all_remembered,
        errors_have_a_text_and_read_well,
        error_texts_are_cut_at_the_end_of_the_buffer,
    };
    return run_suite("log", tests, ARRAY_COUNT(tests));
}
