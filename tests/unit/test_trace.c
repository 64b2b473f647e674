/* SPDX-License-Identifier: MIT */
/* Trace events (emu/core/trace.h). */
#include "emu/core/trace.h"

#include "emu/board/board.h"
#include "tests/unit/mem_helper.h"

TRACE_EVENT(map_event, "tracetest.map", "space:s addr:x len:u delta:d");
TRACE_EVENT(bare_event, "tracetest.bare", "");
TRACE_EVENT(other_event, "othertest.map", "n:u");

/* Brings the whole program along, with all its events. */
struct board *(*const whole_program)(const struct board_config *config, struct error *error) = board_new;

/* What is written while it is open. */
static struct {
    FILE *file;
    char *text;
    size_t size;
} out;

static void open_output(bool json)
{
    out.file = open_memstream(&out.text, &out.size);
    trace_set_output(out.file, json);
}

static const char *output(void)
{
    fflush(out.file);
    return out.text;
}

static void close_output(void)
{
    trace_set_output(NULL, false);
    fclose(out.file);
    free(out.text);
}

START_TEST(events_are_off_until_a_pattern_matches)
{
    ck_assert(!trace_on(&map_event) && !trace_on(&bare_event) && !trace_on(&other_event));
    ck_assert(trace_enable("tracetest.*", NULL));
    ck_assert(trace_on(&map_event) && trace_on(&bare_event) && !trace_on(&other_event));
    ck_assert(trace_enable("othertest.map", NULL));
    ck_assert(trace_on(&other_event));
    ck_assert(trace_on(&map_event)); /* one does not switch off another */
}
END_TEST

START_TEST(patterns_are_the_shells)
{
    ck_assert(trace_enable("?racetest.[lm]ap", NULL));
    ck_assert(trace_on(&map_event) && !trace_on(&bare_event));
    ck_assert(trace_enable("*", NULL));
    ck_assert(trace_on(&bare_event) && trace_on(&other_event));
}
END_TEST

START_TEST(a_pattern_without_match_is_an_error)
{
    struct error error = {{0}};
    ck_assert(!trace_enable("tracetest", &error)); /* the whole name counts */
    ck_assert_ptr_nonnull(strstr(error.text, "tracetest: no trace event matches"));
    ck_assert(!trace_enable("", &error));
    ck_assert(!trace_on(&map_event));
}
END_TEST

static void emit_all(const struct clock *clock)
{
    ck_assert(trace_enable("*test.*", NULL));
    trace_emit(&map_event, clock, "ide", UINT64_C(0xfedcba9876543210), (uint64_t)4096, (int64_t)-5);
    trace_emit(&bare_event, clock);
    trace_emit(&other_event, NULL, UINT64_MAX);
}

START_TEST(text_has_stamp_name_and_fields)
{
    struct clock clock;
    clock_init(&clock, 0);
    clock_jump(&clock, 1234);
    open_output(false);
    emit_all(&clock);
    ck_assert_str_eq(output(), "1234 tracetest.map space=ide addr=0xfedcba9876543210 len=4096 delta=-5\n"
                               "1234 tracetest.bare\n"
                               "othertest.map n=18446744073709551615\n");
    close_output();
}
END_TEST

START_TEST(json_has_one_object_a_line)
{
    struct clock clock;
    clock_init(&clock, 0);
    clock_jump(&clock, 1234);
    open_output(true);
    emit_all(&clock);
    ck_assert_str_eq(output(), "{\"event\":\"tracetest.map\",\"ns\":1234,\"space\":\"ide\","
                               "\"addr\":\"0xfedcba9876543210\",\"len\":4096,\"delta\":-5}\n"
                               "{\"event\":\"tracetest.bare\",\"ns\":1234}\n"
                               "{\"event\":\"othertest.map\",\"n\":18446744073709551615}\n");
    close_output();
}
END_TEST

START_TEST(json_strings_are_escaped)
{
    open_output(true);
    ck_assert(trace_enable("*test.*", NULL));
    trace_emit(&map_event, NULL, "a\"b\\c\n\x01", (uint64_t)0, (uint64_t)0, (int64_t)0);
    ck_assert_ptr_nonnull(strstr(output(), "\"space\":\"a\\\"b\\\\c\\u000a\\u0001\","));
    close_output();
}
END_TEST

static uint64_t flying(void *owner)
{
    (void)owner;
    return 7;
}

START_TEST(the_stamp_is_exact_in_a_run)
{
    struct clock clock;
    clock_init(&clock, 1);
    clock.in_flight = flying;
    open_output(false);
    ck_assert(trace_enable("*test.*", NULL));
    trace_emit(&bare_event, &clock);
    ck_assert_str_eq(output(), "14 tracetest.bare\n");
    close_output();
}
END_TEST

START_TEST(the_list_has_every_event_once)
{
    char *text;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    trace_list(to);
    fclose(to);
    const char *first = strstr(text, "tracetest.map ");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first, "space:s addr:x len:u delta:d\n"));
    ck_assert_ptr_null(strstr(first + 1, "tracetest.map "));
    ck_assert_ptr_nonnull(strstr(text, "door.in ")); /* of the library */
    free(text);
}
END_TEST

/* The library's events name their fields by the types there are. */
START_TEST(every_event_of_the_program_is_well_formed)
{
    char *text, *line;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    trace_list(to);
    fclose(to);
    for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        size_t name = strcspn(line, " ");
        ck_assert_msg(strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == name, "%s", line);
        const char *field = line + name + strspn(line + name, " ");
        unsigned fields = 0;
        while (*field) {
            size_t length = strcspn(field, ": ");
            ck_assert_msg(++fields <= TRACE_FIELDS_MOST, "%s", line);
            ck_assert_msg(length && field[length] == ':' && strchr("sxud", field[length + 1]), "%s", line);
            field += length + 2;
            ck_assert_msg(!*field || *field == ' ', "%s", line);
            field += strspn(field, " ");
        }
    }
    free(text);
}
END_TEST

/* What the listener heard last. */
static struct {
    unsigned count;
    vtime now;
    char space[8];
    uint64_t addr, delta;
} heard;

static void hear(void *owner, const struct trace_event *event, vtime now, const struct trace_value *values)
{
    ck_assert_ptr_eq(owner, &heard);
    ck_assert_ptr_eq(event, &map_event);
    heard.count++;
    heard.now = now;
    snprintf(heard.space, sizeof heard.space, "%s", values[trace_field(event, "space", NULL)].text);
    heard.addr = values[trace_field(event, "addr", NULL)].number;
    heard.delta = values[trace_field(event, "delta", NULL)].number;
}

START_TEST(a_listener_hears_what_it_asked_for_and_no_lines_appear)
{
    struct clock clock;
    clock_init(&clock, 0);
    clock_jump(&clock, 99);
    open_output(false);
    trace_listen(&(struct trace_listener){hear, &heard});
    ck_assert_uint_eq(trace_listen_to("tracetest.map"), 1);
    ck_assert_uint_eq(trace_listen_to("no.such"), 0);
    ck_assert(trace_on(&map_event) && !trace_on(&other_event));
    trace_emit(&map_event, &clock, "ide", (uint64_t)0x1000, (uint64_t)4096, (int64_t)-5);
    trace_emit(&map_event, NULL, "ide", (uint64_t)0x2000, (uint64_t)4096, (int64_t)-5);
    ck_assert_uint_eq(heard.count, 1); /* without a time there is no place on a timeline */
    ck_assert_int_eq(heard.now, 99);
    ck_assert_str_eq(heard.space, "ide");
    ck_assert_uint_eq(heard.addr, 0x1000);
    ck_assert_int_eq((int64_t)heard.delta, -5);
    ck_assert_str_eq(output(), "");
    trace_listen(NULL);
    ck_assert(!trace_on(&map_event));
    ck_assert(trace_enable("tracetest.map", NULL)); /* each reader has a bit of its own */
    trace_listen(NULL);
    ck_assert(trace_on(&map_event));
    close_output();
}
END_TEST

START_TEST(fields_are_found_by_their_whole_name)
{
    char type;
    ck_assert_int_eq(trace_field(&map_event, "space", NULL), 0);
    ck_assert_int_eq(trace_field(&map_event, "delta", &type), 3);
    ck_assert_int_eq(type, 'd');
    ck_assert_int_eq(trace_field(&map_event, "len", &type), 2);
    ck_assert_int_eq(trace_field(&map_event, "le", NULL), -1);
    ck_assert_int_eq(trace_field(&bare_event, "len", NULL), -1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        events_are_off_until_a_pattern_matches,
        patterns_are_the_shells,
        a_pattern_without_match_is_an_error,
        text_has_stamp_name_and_fields,
        json_has_one_object_a_line,
        json_strings_are_escaped,
        the_stamp_is_exact_in_a_run,
        the_list_has_every_event_once,
        every_event_of_the_program_is_well_formed,
        a_listener_hears_what_it_asked_for_and_no_lines_appear,
        fields_are_found_by_their_whole_name,
    };
    return run_suite("trace", tests, ARRAY_COUNT(tests));
}
