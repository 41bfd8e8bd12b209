"""papermill, imported in a third of the time: without the grammar of addresses (2 s of 3)."""

from rmkit.machine.address_grammar import no_address_grammar

with no_address_grammar():
    import papermill as papermill
    from nbclient.exceptions import DeadKernelError as DeadKernelError
