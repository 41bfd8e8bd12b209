import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad, minimize

from rmkit.reward_models.linear import newton
from rmkit.reward_models.linear.newton import newton_weights


@settings(max_examples=40, deadline=None)
@given(
    n_pairs=st.integers(1, 30),
    n_dimensions=st.integers(1, 40),
    l2=st.sampled_from([1e-4, 0.1, 10.0]),
    stretch=st.sampled_from([0.1, 1.0, 30.0]),
    seed=st.integers(0, 10**6),
)
def test_newton_reaches_the_minimum_even_where_pairs_separate(n_pairs, n_dimensions, l2, stretch, seed):
    rng = np.random.default_rng(seed)
    x_md, weight_m = stretch * rng.normal(size=(n_pairs, n_dimensions)), rng.uniform(0.1, 3, size=n_pairs)

    def objective(w_d):
        return weight_m @ np.logaddexp(0, -x_md @ w_d) + l2 / 2 * w_d @ w_d

    w_d = newton_weights(x_md, weight_m, l2)
    other = minimize(objective, w_d + 0.1 * rng.normal(size=n_dimensions), method="L-BFGS-B")
    assert objective(w_d) <= other.fun + 1e-9 * (1 + abs(other.fun))
    np.testing.assert_allclose(
        newton_weights(x_md, weight_m, l2, start_d=rng.normal(size=n_dimensions)), w_d, atol=1e-4
    )


def test_the_gradient_that_newton_follows_is_that_of_finite_differences(monkeypatch):
    """The first step from w is H^-1 g: with one step allowed and a Hessian of l2 alone it shows the gradient."""
    x_md, w_d, l2 = np.random.default_rng(0).normal(size=(20, 3)) * 1e-4, np.array([300.0, -100.0, 50.0]), 1.0

    def objective(w_d):
        return np.logaddexp(0, -x_md @ w_d).sum() + l2 / 2 * w_d @ w_d

    def gradient(w_d):
        followed = []
        monkeypatch.setattr(newton, "cho_solve", lambda _, gradient_d: followed.append(gradient_d) or gradient_d)
        newton_weights(x_md, np.ones(20), l2, start_d=w_d)
        return followed[0]

    assert check_grad(objective, gradient, w_d) < 1e-3
