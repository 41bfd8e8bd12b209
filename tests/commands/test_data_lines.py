"""What the data files hold is said by `check` alone, and only of data that the study's jobs read."""


def test_check_says_what_the_data_hold_and_run_does_not_repeat_it(small):
    line = "data/numbers.json: 3 numbers"
    assert small.rmkit("check", "small").stdout.splitlines().count(line) == 1
    for arguments in (("--dry-run",), ("--no-report",)):
        assert line not in small.rmkit("run", "small", *arguments).stdout


def test_run_still_refuses_data_that_it_cannot_work_with(small):
    small.edit(
        "rmkit/numbers.py",
        "def check(path, shown):",
        "def check(path, shown):\n    from rmkit.errors import DataError\n    raise DataError(f'{shown}: is not there')\n",
    )
    ended = small.rmkit("run", "small", "--no-report")
    assert (ended.returncode, ended.stderr) == (2, "data/numbers.json: is not there\n")


def test_a_checker_is_called_with_the_parameters_that_it_asks_for(small):
    small.edit("rmkit/stages/graph.py", '"rmkit.numbers:check")', '"rmkit.numbers:check", ("least",))')
    small.edit("rmkit/numbers.py", "def check(path, shown):", "def check(path, shown, least=None):")
    small.edit("rmkit/numbers.py", 'numbers", {}', 'numbers from {least}", {}')
    without = small.rmkit("check", "small").stdout.splitlines()
    assert "data/numbers.json: 3 numbers from None" in without
    small.edit("notebooks/00_numbers.ipynb", "# read", "# read\\nleast: int = 2  # counted")
    assert "data/numbers.json: 3 numbers from 2" in small.rmkit("check", "small").stdout.splitlines()
    said = small.rmkit("check", "small", "--set", "least=5").stdout.splitlines()
    assert [line for line in said if line.startswith("data/")] == ["data/numbers.json: 3 numbers from 5"]
