#!/usr/bin/env python3
"""A pinentry that does what a test has written down: the server's side of Assuan, without a window.

Beside this file: `steps`, a line for each thing that the person does, taken in turn by every dialogue that asks; and
`log`, to which each process appends the commands that it receives, after its number. No answer is logged, so no PIN is.

    pin DIGITS   types it                     wait FILE   answers nothing before this file is there
    yes, no      answers a question           sleep N     nor for N seconds
    read         has read a message           die         ends without an answer
    cancel       presses Cancel or Esc        hang        never answers, nor heeds the end of the input
"""
import fcntl, os, signal, sys, time

FOLDER = os.path.dirname(os.path.abspath(__file__))
CANCELLED = "ERR 83886179 Operation cancelled <Pinentry>"
NOT_CONFIRMED = "ERR 83886194 Not confirmed <Pinentry>"


def log(line):
    with open(os.path.join(FOLDER, "log"), "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{os.getpid()} {line}\n")


def next_step():
    """The first line of the steps, which is taken out; nothing if there is none."""
    with open(os.path.join(FOLDER, "steps"), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        first, *rest = file.read().splitlines() or [""]
        file.seek(0)
        file.truncate()
        file.write("".join(line + "\n" for line in rest))
    return first


def act(possible):
    """Goes on to the step that answers, and says what it is; one that does not answer this is a mistake of the test."""
    while True:
        step, _, value = next_step().partition(" ")
        if step == "wait":
            while not os.path.exists(os.path.join(FOLDER, value)):
                time.sleep(0.02)
        elif step == "sleep":
            time.sleep(float(value))
        elif step == "die":
            sys.exit(1)
        elif step == "hang":
            while True:
                time.sleep(60)
        elif step in possible:
            return step, value
        else:
            log(f"UNEXPECTED where {' or '.join(possible)} would answer: {step or 'nothing'}")
            return "cancel", ""


def answer(command, options):
    if command == "GETPIN":
        step, value = act(["pin", "cancel"])
        return [f"D {value}", "OK"] if step == "pin" else [CANCELLED]
    if command == "CONFIRM" and "--one-button" not in options:
        return [{"yes": "OK", "no": NOT_CONFIRMED, "cancel": CANCELLED}[act(["yes", "no", "cancel"])[0]]]
    if command in ("MESSAGE", "CONFIRM"):
        act(["read"])
        return ["OK"]
    if command == "GETINFO":
        known = {"flavor": "scripted", "version": "1.2.1", "pid": str(os.getpid()), "ttyinfo": "- - -"}
        return [f"D {known[options]}", "OK"] if options in known else ["ERR 83886360 IPC parameter error <Pinentry>"]
    known = ("OPTION", "SETTITLE", "SETDESC", "SETPROMPT", "SETERROR", "SETOK", "SETCANCEL", "SETNOTOK", "SETTIMEOUT",
             "SETKEYINFO", "SETQUALITYBAR", "SETREPEAT", "SETREPEATERROR", "NOP", "RESET", "CLEARPASSPHRASE")
    return ["OK"] if command in known else ["ERR 83886355 Unknown IPC command <Pinentry>"]


def main():
    # If a test forgets it.
    signal.alarm(100)
    log("STARTED")
    print("OK Pleased to meet you", flush=True)
    for line in sys.stdin:
        line = line.rstrip("\n")
        log(line)
        command, _, options = line.partition(" ")
        if command == "BYE":
            print("OK closing connection", flush=True)
            break
        print("\n".join(answer(command, options)), flush=True)
    log("ENDED")


main()
