/* SPDX-License-Identifier: MIT */
/* The terminal and signals: see terminal.h. What signal handlers use is plain and async-signal-safe. */
#include "emu/ui/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "emu/core/bits.h"

static struct termios cooked, raw;
static volatile sig_atomic_t wanted; /* raw mode is wanted; while we are suspended it is not in force */
static volatile sig_atomic_t taken;  /* it is in force */
static const char *volatile leave_text, *volatile enter_text;

static int pipe_ends[2] = {-1, -1};
static volatile sig_atomic_t quit_signal, redraw, continued;

bool terminal_is_ours(int fd)
{
    return isatty(fd) && tcgetpgrp(fd) == getpgrp();
}

bool terminal_can_draw(void)
{
    const char *name = getenv("TERM");
    return name && *name && strcmp(name, "dumb");
}

static void put_text(const char *text)
{
    if (text && write(STDOUT_FILENO, text, strlen(text)) < 0) return; /* nothing can be done about it */
}

/* Without SIGTTOU, which would stop us should we be in the background by now. */
static void set_mode(const struct termios *mode)
{
    sigset_t block, before;
    sigemptyset(&block);
    sigaddset(&block, SIGTTOU);
    sigprocmask(SIG_BLOCK, &block, &before);
    tcsetattr(STDIN_FILENO, TCSADRAIN, mode);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void take(void)
{
    taken = 1;
    set_mode(&raw);
    put_text(enter_text);
}

static void give_back(void)
{
    if (!taken) return;
    taken = 0;
    put_text(leave_text);
    set_mode(&cooked);
}

void terminal_enter(bool keys_signal)
{
    static bool registered;
    if (tcgetattr(STDIN_FILENO, &cooked)) return;
    raw = cooked;
    raw.c_iflag &= ~(tcflag_t)(BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    if (!keys_signal) raw.c_lflag &= ~(tcflag_t)ISIG;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (!registered) atexit(terminal_leave);
    registered = true;
    wanted = 1;
    take();
}

void terminal_leave(void)
{
    wanted = 0;
    give_back();
}

void terminal_set_texts(const char *enter, const char *leave)
{
    leave_text = leave;
    enter_text = enter;
}

void terminal_size(unsigned *columns, unsigned *rows)
{
    struct winsize size;
    bool known = !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_row;
    *columns = known ? size.ws_col : 80;
    *rows = known ? size.ws_row : 24;
}

/* ---- signals ---- */

static void wake(void)
{
    int saved = errno;
    char byte = 0;
    if (write(pipe_ends[1], &byte, 1) < 0) {
    } /* full: it is readable anyway */
    errno = saved;
}

static void die_by(int number)
{
    terminal_leave();
    signal(number, SIG_DFL);
    raise(number);
}

/* The second time, the loop that should have seen the first one hangs. */
static void on_quit(int number)
{
    if (quit_signal) die_by(number);
    quit_signal = number;
    wake();
}

static void on_crash(int number)
{
    die_by(number);
}

static void on_suspend(int number)
{
    (void)number;
    int saved = errno;
    give_back();
    raise(SIGSTOP);
    errno = saved;
}

static void on_continue(int number)
{
    (void)number;
    int saved = errno;
    if (wanted && tcgetpgrp(STDIN_FILENO) == getpgrp()) take();
    redraw = continued = 1;
    wake();
    errno = saved;
}

static void on_resize(int number)
{
    (void)number;
    redraw = 1;
    wake();
}

static void catch (int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    struct sigaction before;
    sigemptyset(&action.sa_mask);
    if (!sigaction(number, NULL, &before) && before.sa_handler == SIG_IGN) return; /* nohup */
    sigaction(number, &action, NULL);
}

void signals_install(void)
{
    static const int quits[] = {SIGINT, SIGTERM, SIGHUP};
    static const int crashes[] = {SIGQUIT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK)) pipe_ends[0] = pipe_ends[1] = -1;
    for (size_t i = 0; i < ARRAY_COUNT(quits); i++) catch (quits[i], on_quit, 0);
    for (size_t i = 0; i < ARRAY_COUNT(crashes); i++) catch (crashes[i], on_crash, SA_RESETHAND | SA_NODEFER);
    catch (SIGTSTP, on_suspend, SA_RESTART);
    catch (SIGCONT, on_continue, SA_RESTART);
    catch (SIGWINCH, on_resize, SA_RESTART);
}

int signals_fd(void)
{
    return pipe_ends[0];
}

struct signals signals_take(void)
{
    char bytes[64];
    while (read(pipe_ends[0], bytes, sizeof bytes) > 0) {
    }
    struct signals came = {.quit = quit_signal, .resized = redraw, .continued = continued};
    redraw = continued = 0;
    return came;
}
