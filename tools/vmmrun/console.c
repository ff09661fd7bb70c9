// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "complain.h"
#include "console.h"
#include "machine.h"
#include "pm.h"
#include "snapshot.h"
#include "uart.h"

#define KEY_ESCAPE	0x01		/* Ctrl-A */
#define INPUT_ROOM	64

static struct termios terminal_saved;
static volatile sig_atomic_t terminal_raw;
static int signal_fd = -1;
static int room_fd = -1;
static bool after_escape;		/* main thread */

/* Its only effect is that a blocked write returns with EINTR. */
static void on_kick(int signal)
{
	(void)signal;
}

int console_signals_init(void)
{
	struct sigaction kick = { .sa_handler = on_kick }, ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGUSR2);
	sigaction(SIGUSR1, &kick, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return complain("blocking signals failed");
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (signal_fd < 0 || room_fd < 0)
		return complain("no signal or event descriptor to be had: %s", strerror(errno));
	return 0;
}

/* Output processing stays on, so that our own messages keep their line ends. */
void console_raw(void)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO) || tcgetpgrp(STDIN_FILENO) != getpgrp() ||
	    tcgetattr(STDIN_FILENO, &terminal_saved) != 0)
		return;
	raw = terminal_saved;
	raw.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | IGNCR | INLCR | INPCK | ISTRIP | IXON);
	raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0)
		return;
	terminal_raw = 1;
	atexit(console_restore);
}

void console_restore(void)
{
	if (terminal_raw) {
		terminal_raw = 0;
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal_saved);
	}
}

void console_put(struct machine *machine, uint8_t byte)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	while (write(STDOUT_FILENO, &byte, 1) < 0) {
		if (errno != EINTR && errno != EAGAIN)
			return;
		if (machine_ending(machine))
			return;
		if (errno == EAGAIN)
			poll(&out, 1, 100);
	}
}

void console_room(void)
{
	uint64_t one = 1;

	if (write(room_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		complain("waking the main thread failed: %s", strerror(errno));
}

static void event_clear(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		complain("reading an event failed: %s", strerror(errno));
}

static void keys_help(void)
{
	fputs("\nvmmrun: Ctrl-A x  end the machine\n"
	      "vmmrun: Ctrl-A p  press its power button\n"
	      "vmmrun: Ctrl-A s  save it to the file of --save, and end it\n"
	      "vmmrun: Ctrl-A b  send a break\n"
	      "vmmrun: Ctrl-A Ctrl-A  send Ctrl-A\n", stderr);
}

/* The key after Ctrl-A. */
static void key_escaped(struct machine *machine, uint8_t key)
{
	switch (key) {
	case 'x':
		machine_stop(machine, MACHINE_POWEROFF, "ended with Ctrl-A x");
		break;
	case 'p':
		pm_power_button();
		break;
	case 's':
		snapshot_save(machine);
		break;
	case 'b':
		uart_break(machine->uart);
		break;
	case KEY_ESCAPE:
		uart_receive(machine->uart, KEY_ESCAPE);
		break;
	default:
		keys_help();
		break;
	}
}

/* A pipe or file has no keys of ours: every byte is the guest's. */
static void key(struct machine *machine, uint8_t byte)
{
	if (after_escape) {
		after_escape = false;
		key_escaped(machine, byte);
	} else if (byte == KEY_ESCAPE && terminal_raw) {
		after_escape = true;
	} else {
		uart_receive(machine->uart, byte);
	}
}

/* Reads no more than the UART takes. False at the end of input. */
static bool input_take(struct machine *machine)
{
	size_t room = uart_room(machine->uart);
	uint8_t bytes[INPUT_ROOM];
	ssize_t got;

	if (room == 0)
		return true;
	got = read(STDIN_FILENO, bytes, room < sizeof(bytes) ? room : sizeof(bytes));
	if (got < 0)
		return errno == EINTR || errno == EAGAIN;
	for (ssize_t i = 0; i < got; i++)
		key(machine, bytes[i]);
	return got > 0;
}

static void signal_take(struct machine *machine)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR2)
		snapshot_save(machine);
	else
		machine_stop(machine, MACHINE_ERROR,
			     info.ssi_signo == SIGINT  ? "ended by SIGINT" :
			     info.ssi_signo == SIGTERM ? "ended by SIGTERM" :
			     info.ssi_signo == SIGHUP  ? "ended by SIGHUP" :
							 "ended by SIGQUIT");
}

void console_attend(struct machine *machine)
{
	enum { END, SIGNAL, ROOM, INPUT, COUNT };
	struct pollfd fds[COUNT] = {
		[END] = { .fd = machine->end_fd, .events = POLLIN },
		[SIGNAL] = { .fd = signal_fd, .events = POLLIN },
		[ROOM] = { .fd = room_fd, .events = POLLIN },
		[INPUT] = { .fd = STDIN_FILENO, .events = POLLIN },
	};
	bool open = true;

	for (;;) {
		fds[INPUT].fd = open && uart_room(machine->uart) > 0 ? STDIN_FILENO : -1;
		if (poll(fds, COUNT, -1) < 0 && errno != EINTR)
			return;
		if (fds[END].revents)
			return;
		if (fds[SIGNAL].revents)
			signal_take(machine);
		if (fds[ROOM].revents)
			event_clear(room_fd);
		if (fds[INPUT].fd >= 0 && fds[INPUT].revents)
			open = input_take(machine);
	}
}
