"""Prints the pins of requirements/cpu.txt that a server needs, for its image: `python -m scripts.serving`."""

from scripts.locked import LOCK, pins, reachable, required


def main() -> None:
    """Print them, one a line."""
    locked = pins(LOCK.read_text())
    served = reachable(locked, required())
    for pin in locked:
        if pin.name in served:
            print(f"{pin.name}=={pin.version}")


if __name__ == "__main__":
    main()
