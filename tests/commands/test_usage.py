import pytest

from rmkit.cli import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gc", "--yess"], "rmkit: unrecognized arguments: --yess; `rmkit --help` says what it takes"),
        (["results", "04", "--rows", "²"], "'²' is not a whole number of at least 1; `rmkit results --help` says"),
        (["gc", "--older-than", "9" * 5000], "is not a whole number of days; `rmkit gc --help` says"),
        (["chekc"], "invalid choice: 'chekc' (choose from"),
        (["a\n\x1b[31mb"], "invalid choice: 'a"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_a_command_that_cannot_be_read_is_one_line(arguments, said, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.endswith("says what it takes\n")
    assert (err.count("\n"), "\x1b" in err) == (1, False)
    assert len(err) < 900
