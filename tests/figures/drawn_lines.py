"""A line of a figure, found by its label, for the tests of what is drawn."""


def line(ax, label):
    (found,) = [each for each in ax.lines if each.get_label() == label]
    return found.get_xdata(), found.get_ydata()
