"""How well the data of a fit determine its margins: a root of the covariance of its rewards, where a head has one.

Linear Bradley-Terry keeps the Laplace approximation of its fit, an ensemble has the spread of its members. Any other
head that is linear in a last layer (networks) gets the Laplace approximation of that layer at its weights, the features
held fixed, with a prior by the evidence; it needs the pairs that it was fitted on. Trees have none. What these say is
how much the fit would move with other labels, given that the model is right and its features are; nothing else.
"""

from collections.abc import Callable

import numpy as np

from rmkit.measures.information import information, p_variance
from rmkit.reward_models.inputs import row_blocks
from rmkit.reward_models.linear.laplace import LastLayerLaplace, covariance_root_by_evidence
from rmkit.reward_models.protocol import HasLastLayer, HasRewardCovariance, RewardModel
from rmkit.training_sets.pair_sets import PairSets

RewardRoot = Callable[[np.ndarray], np.ndarray]  # (N, D) embeddings to (N, C): root @ root.T, the rewards' covariance


def reward_root_of(model: RewardModel, s: int, embedding_rd: np.ndarray, train: PairSets) -> RewardRoot | None:
    """What gives the root of fit s at any embeddings, or None for a head without uncertainty.

    embedding_rd: (R, D) that the S sets of `train`, of which the model learned, point into; only the last layer of a
    head without uncertainty of its own looks at them.
    """
    if not isinstance(model, HasRewardCovariance | HasLastLayer):
        return None
    one = model.only(np.array([s]))
    if isinstance(one, HasRewardCovariance):
        if one.reward_root(embedding_rd[:1]) is None:
            return None
        return lambda embedding_nd: np.asarray(one.reward_root(embedding_nd))[0]
    if isinstance(one, HasLastLayer):
        laplace = last_layer_laplace(one, s, embedding_rd, train)
        return lambda embedding_nd: laplace.reward_root(one.last_layer(embedding_nd)[0])[0]
    return None


def last_layer_laplace(one: HasLastLayer, s: int, embedding_rd: np.ndarray, train: PairSets) -> LastLayerLaplace:
    """The Laplace approximation of the last layer of a model of one fit, which learned from set s.

    A Bradley-Terry head is told by each pair's difference. One whose loss is of rows (its `joint` is false: a
    classifier) is told by both responses, each of which counts half: a pair is one judgement. DataError for weights
    that have no prior.
    """
    real_m = train.weight_sm[s] > 0
    side_2m = np.stack([train.chosen_sm[s, real_m], train.rejected_sm[s, real_m]])
    weight_m2 = train.rows_sm2[s, real_m].astype(np.float64)
    weight_h = one.last_layer(embedding_rd[side_2m[0, :1]])[1][0].astype(np.float64)
    total_h, information_hh = np.zeros(len(weight_h)), np.zeros((len(weight_h), len(weight_h)))
    for rows in row_blocks(side_2m.shape[1], 2 * max(embedding_rd.shape[1], len(weight_h))):
        feature_2mh = [one.last_layer(embedding_rd[side_m[rows]])[0][0].astype(np.float64) for side_m in side_2m]
        pair_m = weight_m2[rows].mean(axis=1)
        total_h += pair_m @ np.mean(feature_2mh, axis=0)
        if getattr(one, "joint", True):
            told = [(feature_2mh[0] - feature_2mh[1], pair_m)]
        else:
            told = [(feature_mh, weight_m2[rows, side] / 2) for side, feature_mh in enumerate(feature_2mh)]
        for feature_mh, counts_m in told:
            information_hh += information(feature_mh, counts_m * p_variance(feature_mh @ weight_h), 0.0)
    root_hh = covariance_root_by_evidence(information_hh, weight_h)
    return LastLayerLaplace.of_fits([(total_h / weight_m2.mean(axis=1).sum(), root_hh)])
