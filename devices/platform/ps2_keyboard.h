/* SPDX-License-Identifier: MIT */
/*
 * PS/2 keyboard with 102 keys: scan code sets 1, 2 and 3, typematic repeat, LEDs, a buffer of 16 bytes.
 *
 * Specification: IBM PS/2 Hardware Interface Technical Reference, "Keyboard".
 *
 * Keys come through the door port "keyboard" as an array of struct key_event (key.h). Events for which the buffer has no
 * room wait in the keyboard, as many as KEYBOARD_WAITING, so that text typed by a program arrives whole; past that the
 * keyboard reports its overrun code. A keyboard that the guest has disabled forgets keys. Repeats are made here, in virtual
 * time: the door carries presses and releases only. The Shift state does not change what the cursor keys send.
 */
#ifndef DEVICES_PLATFORM_PS2_KEYBOARD_H
#define DEVICES_PLATFORM_PS2_KEYBOARD_H

#include "devices/device.h"
#include "devices/platform/key.h"
#include "devices/platform/ps2.h"
#include "emu/core/clock.h"
#include "emu/core/door.h"

#define KEYBOARD_WAITING 256

struct ps2_keyboard;

/* Plugs itself into `port`, which must outlive it (the controller is created before it). */
struct ps2_keyboard *ps2_keyboard_new(struct ps2_port *port, struct device_list *devices, struct clock *clock,
                                      struct door *door);

/* Where the outside posts struct key_event arrays. */
struct door_port *ps2_keyboard_door(struct ps2_keyboard *keyboard);

/* Lights that are on: bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock. */
uint8_t ps2_keyboard_leds(const struct ps2_keyboard *keyboard);

#endif
