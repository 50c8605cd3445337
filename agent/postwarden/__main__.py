"""`python -m postwarden` and the console script."""

import sys


def main() -> int:
    from postwarden.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
