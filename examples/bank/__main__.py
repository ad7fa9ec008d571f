"""`python -m examples.bank answer FILE.xml... --out DIR`: plays the bank for payment files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from examples.bank.answering import AlreadyAnswered, BankFile, answer
from examples.bank.books import load_books, save_books
from examples.bank.instruction import UnreadableInstruction, read_instruction
from examples.bank.rulings import Exactly, Shares

BOOKS = "books.json"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; 0 when every file was answered, 1 with a line for each that was not."""
    options = _parser().parse_args(arguments)
    shares = Shares(options.reject_share, options.return_share, options.seed)
    refused = 0
    for path in options.files:
        try:
            answers = answer_file(path, options.out, shares, with_details=not options.no_details)
        except (OSError, UnreadableInstruction, AlreadyAnswered) as error:
            sys.stderr.write(f"{path}: {error}\n")
            refused += 1
            continue
        for answer_ in answers:
            sys.stdout.write(f"{options.out / answer_.name}\n")
    return 1 if refused else 0


def answer_file(
    path: Path, out: Path, policy: Shares | Exactly, *, with_details: bool = True
) -> list[BankFile]:
    """Answers the payment file at `path` and writes the messages and the bank's books into `out`."""
    instruction = read_instruction(path.read_bytes())
    out.mkdir(parents=True, exist_ok=True)
    books = load_books(out / BOOKS)
    files = answer(instruction, books, policy, with_details=with_details)
    for file in files:
        (out / file.name).write_bytes(file.data)
    save_books(books, out / BOOKS)
    return files


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples.bank", description="A bank for demos and tests."
    )
    command = parser.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "answer", help="answers a pain.001.001.09 with pain.002.001.10 and camt.053.001.08"
    )
    command.add_argument("files", type=Path, nargs="+", metavar="FILE.xml", help="payment files")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="where messages and books go")
    command.add_argument("--reject-share", type=_share, default=0.05, metavar="0..1")
    command.add_argument("--return-share", type=_share, default=0.05, metavar="0..1")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument(
        "--no-details", action="store_true", help="book a batch as one debit without details"
    )
    return parser


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return share


if __name__ == "__main__":
    raise SystemExit(main())
