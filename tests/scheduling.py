"""Which tests a worker of pytest-xdist runs together: those of one file, so that what they share is made only once.

`--dist loadgroup` alone deals out tests one by one: both workers then make every fixture of a module.
"""

from xdist.scheduler import LoadGroupScheduling


class GroupsAndFiles(LoadGroupScheduling):
    """A marked group goes to one worker, as with `loadgroup`; of the other tests, a file does."""

    def _split_scope(self, nodeid: str) -> str:
        group = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if group == nodeid else group
