"""The losses of kinds that learn without pairs, beside the papers' equations written out."""

import pytest
import torch
import torch.nn.functional as F

from scumble.gan.translation.kind import Shapes
from scumble.gan.translation.kinds import adversary, contrastive, domains
from scumble.gan.translation.kinds.table import KINDS
from scumble.training.distributed import Processes
from scumble.training.randomness import Share
from scumble.training.task import Moment
from translation_material import drawn, tiny_game

pytestmark = pytest.mark.usefixtures("one_thread")

START = Moment(0, (0, 0))
LABELLED = Shapes((1, 16, 16), (1, 16, 16), 3)


def losses(game, batch):
    """Of both updates, from the same batch as in a step."""
    return {update.name: update.loss(batch, START) for update in KINDS[game.settings.kind].updates(game)}


def made(preset: str, shapes: Shapes | None = None, **given):
    game = tiny_game(*([shapes] if shapes else []), preset=preset, blocks=1, latent=3, **given)
    batch = drawn(game)(START)
    return game, batch, losses(game, dict(batch)), game.networks


def squares(logits: torch.Tensor, wanted: float) -> torch.Tensor:
    return (logits - wanted).square().mean()


def test_cyclegan_is_equation_3_with_the_identity_term():
    _, batch, found, nets = made("cyclegan", pool=0)
    a, b = batch["a"], batch["b"]
    g, f, d_a, d_b = (nets[n] for n in ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b"))
    fake_a, fake_b = f(b), g(a)
    wanted = squares(d_b(fake_b), 1) + squares(d_a(fake_a), 1)
    wanted = wanted + 10 * (F.l1_loss(f(fake_b), a) + F.l1_loss(g(fake_a), b))
    wanted = wanted + 5 * (F.l1_loss(g(b), b) + F.l1_loss(f(a), a))
    assert found["g"].loss.item() == pytest.approx(wanted.item(), 1e-5)
    judged = squares(d_a(a), 1) + squares(d_a(fake_a), 0) + squares(d_b(b), 1) + squares(d_b(fake_b), 0)
    assert found["d"].loss.item() == pytest.approx(judged.item() / 2, 1e-5)
    assert found["d"].kept == {}


def test_a_term_without_weight_is_left_out_and_the_adversary_is_only_watched():
    _, _, found, _ = made("cyclegan", weights="adversarial=0,identity=0")
    assert found["g"].figures.keys() == {"adversarial", "cycle"}
    assert found["g"].loss.item() == pytest.approx(10 * found["g"].figures["cycle"].item())


def test_cyclegan_s_discriminators_are_shown_the_pool():
    game, batch, _, nets = made("cyclegan", pool=4)
    update = KINDS["unpaired"].updates(game)[0]
    outcome = update.loss(dict(batch), START)
    update.after(START, {}, outcome.kept)
    assert torch.equal(nets["pool_b"].pictures, outcome.kept["b"])
    nets["pool_a"].pictures.fill_(0.5)
    nets["pool_b"].pictures.fill_(0.5)
    later = Moment(1, (0, 0))
    mixed = {d: nets[f"pool_{d}"].shown(outcome.kept[d], later) for d in "ab"}
    assert any((picture == 0.5).all() for d in "ab" for picture in mixed[d])
    wanted = sum(
        squares(nets[f"discriminator_{d}"](batch[d]), 1) + squares(nets[f"discriminator_{d}"](mixed[d]), 0)
        for d in "ab"
    )
    assert update.loss(dict(batch), later).loss.item() == pytest.approx(wanted.item() / 2, 1e-5)


def test_discogan_has_squared_cycles_and_no_identity():
    game, batch, found, nets = made("discogan", norm="instance")
    assert set(found["g"].figures) == {"adversarial", "cycle_squared"}
    g, f = nets["generator_ab"], nets["generator_ba"]
    cycles = F.mse_loss(f(g(batch["a"])), batch["a"]) + F.mse_loss(g(f(batch["b"])), batch["b"])
    assert found["g"].figures["cycle_squared"].item() == pytest.approx(cycles.item(), 1e-5)
    adversarial = found["g"].figures["adversarial"].item()
    assert found["g"].loss.item() == pytest.approx(adversarial + 10 * cycles.item(), 1e-5)
    assert game.settings.loss == "bce"


def test_dualgan_has_a_penalty_and_l1_cycles():
    game, batch, found, nets = made("dualgan")
    for network in nets.values():
        network.eval()  # no dropout
    found = losses(game, dict(batch))
    g, f, d_a, d_b = (nets[n] for n in ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b"))
    a, b = batch["a"], batch["b"]
    fake_a, fake_b = f(b).detach(), g(a).detach()
    share = torch.rand((4, 1, 1, 1), generator=START.generator(adversary.PENALTY_DRAWS))
    wanted = torch.zeros(())
    for critic, real, fake in ((d_a, a, fake_a), (d_b, b, fake_b)):
        between = torch.lerp(real, fake, share).requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).mean((1, 2, 3)).sum(), between)
        penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
        wanted = wanted + critic(fake).mean() - critic(real).mean() + 10 * penalty
    assert found["d"].loss.item() == pytest.approx(wanted.item(), 1e-4)
    cycles = F.l1_loss(f(g(a)), a) + F.l1_loss(g(f(b)), b)
    wanted = -d_a(f(b)).mean() - d_b(g(a)).mean() + 100 * cycles
    assert found["g"].loss.item() == pytest.approx(wanted.item(), 1e-4)


def test_weights_that_are_asked_for_stand_over_the_preset_s_and_these_over_the_kind_s():
    _, _, found, _ = made("discogan", norm="instance", weights="cycle=3")
    assert set(found["g"].figures) == {"adversarial", "cycle", "cycle_squared"}
    weights = {"adversarial": 1, "cycle": 3, "cycle_squared": 10}
    expected = sum(weight * found["g"].figures[name].item() for name, weight in weights.items())
    assert found["g"].loss.item() == pytest.approx(expected, 1e-5)


def test_cut_finds_each_place_again_among_its_picture_s_places():
    _, batch, found, nets = made("cut")
    generator, heads, a, b = nets["generator"], nets["heads"], batch["a"], batch["b"]

    def contrast(result, start):
        losses = []
        random = START.generator(adversary.PLACE_DRAWS)
        seen = [(x, *generator.activations(x)) for x in (result, start)]  # pixels, both halvings, one block
        for of_result, of_start, head in zip(*seen, heads.of_layers, strict=True):
            for_each = torch.rand((4, of_start[0, 0].numel()), generator=random)
            for n in range(4):
                places = for_each[n].topk(16).indices
                query, key = (F.normalize(head(x[n].flatten(1)[:, places].T), dim=1) for x in (of_result, of_start))
                logits = query @ key.T.detach() / 0.07
                losses += [F.cross_entropy(logits, torch.arange(16))]
        return torch.stack(losses).mean()

    fake = generator(a)
    assert found["g"].figures["contrast"].item() == pytest.approx(contrast(fake, a).item(), 1e-4)
    wanted = squares(nets["discriminator"](fake), 1) + contrast(fake, a) + contrast(generator(b), b)
    assert found["g"].loss.item() == pytest.approx(wanted.item(), 1e-4)
    assert [head[0].in_features for head in heads.of_layers] == [1, 8, 16, 16]
    fast, *_ = made("cut", weights="contrast=10,contrast_identity=0")
    assert set(losses(fast, dict(batch))["g"].figures) == {"adversarial", "contrast"}


def test_cut_looks_at_five_layers_of_a_deep_generator():
    deep = tiny_game(preset="cut", blocks=6)
    assert contrastive.looked_at(deep.networks["generator"]) == [0, 1, 2, 6]
    assert len(deep.networks["heads"].of_layers) == 5


def test_unit_is_a_pair_of_variational_autoencoders():
    _, batch, found, nets = made("unit")
    generator, terms = (
        nets["generator"],
        dict.fromkeys(("adversarial", "reconstruction", "kl", "cycle", "cycle_kl"), 0.0),
    )
    noise = iter(torch.randn((4, 16, 4, 4), generator=START.generator(adversary.CODE_DRAWS + use)) for use in range(4))
    codes = {d: generator.encoded(batch[d], d) for d in "ab"}
    noisy = {d: codes[d] + next(noise) for d in "ab"}
    for start, end in ("ab", "ba"):
        fake = generator.decoded(noisy[start], end)
        again = generator.encoded(fake, end)
        terms["adversarial"] += F.softplus(-nets[f"discriminator_{end}"](fake)).mean().item()
        terms["reconstruction"] += F.l1_loss(generator.decoded(noisy[start], start), batch[start]).item()
        terms["kl"] += codes[start].square().mean().item() / 2
        terms["cycle"] += F.l1_loss(generator.decoded(again + next(noise), start), batch[start]).item()
        terms["cycle_kl"] += again.square().mean().item() / 2
    assert {n: v.item() for n, v in found["g"].figures.items()} == pytest.approx(terms, 1e-4)
    weights = {"adversarial": 10, "reconstruction": 100, "kl": 0.1, "cycle": 100, "cycle_kl": 0.1}
    assert found["g"].loss.item() == pytest.approx(sum(weights[n] * v for n, v in terms.items()), 1e-4)


def test_unit_is_used_with_the_means_of_its_codes():
    _, batch, _, nets = made("unit")
    generator = nets["generator"]
    wanted = generator.decoded(generator.encoded(batch["b"], "b"), "a")
    assert torch.equal(KINDS["shared-latent"].translation(nets, "backward")(batch["b"]), wanted)


def test_munit_finds_content_and_style_again():
    _, batch, found, nets = made("munit")
    halves, terms = nets["generator"], dict.fromkeys(("adversarial", "reconstruction", "content", "style"), 0.0)
    judged = 0.0
    for use, (start, end) in enumerate(("ab", "ba")):
        style = torch.randn((4, 3), generator=START.generator(adversary.CODE_DRAWS + use))
        content = halves.content[start](batch[start])
        fake = halves.decoder[end](content, style)
        again = halves.decoder[start](content, halves.style[start](batch[start]))
        judges = nets[f"discriminator_{end}"]
        assert len(judges.scales) == 1
        terms["adversarial"] += squares(judges.scales[0](fake), 1).item() / 2
        terms["reconstruction"] += F.l1_loss(again, batch[start]).item()
        terms["content"] += F.l1_loss(halves.content[end](fake), content).item()
        terms["style"] += F.l1_loss(halves.style[end](fake), style).item()
        judged += (squares(judges.scales[0](batch[end]), 1) + squares(judges.scales[0](fake), 0)).item() / 2
    assert {n: v.item() for n, v in found["g"].figures.items()} == pytest.approx(terms, 1e-4)
    weights = {"adversarial": 2, "reconstruction": 10, "content": 1, "style": 1}
    assert found["g"].loss.item() == pytest.approx(sum(weights[n] * v for n, v in terms.items()), 1e-4)
    assert found["d"].loss.item() == pytest.approx(judged, 1e-4)


def test_munit_draws_another_picture_for_another_style():
    _, batch, _, nets = made("munit")
    translation = KINDS["multimodal"].translation(nets, "forward")
    styles = torch.randn(2, 3)
    ones = [translation(batch["a"][:1], style[None]) for style in styles]
    assert not torch.allclose(*ones, atol=1e-3)
    both = translation(batch["a"][:1].expand(2, -1, -1, -1), styles)
    assert torch.allclose(torch.cat(ones), both, atol=1e-5)


def test_stargan_is_equations_5_and_6():
    _, batch, found, nets = made("stargan", LABELLED, critic_steps=1)
    generator, critic, a, labels = nets["generator"], nets["discriminator"], batch["a"], batch["labels"]
    wanted = (torch.rand((4,), generator=START.generator(adversary.TARGET_DRAWS)) * 3).long()
    fake = generator(a, F.one_hot(wanted, 3).float())
    seen, seen_fake = critic(a), critic(fake)
    share = torch.rand((4, 1, 1, 1), generator=START.generator(adversary.PENALTY_DRAWS))
    between = torch.lerp(a, fake, share).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic.patches(critic.layers(between)).sum(), between)
    penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
    judged = seen_fake[:, 0].mean() - seen[:, 0].mean() + F.cross_entropy(seen[:, 1:], labels) + 10 * penalty
    assert found["d"].loss.item() == pytest.approx(judged.item(), 1e-4)
    again = generator(fake, F.one_hot(labels, 3).float())
    value = -seen_fake[:, 0].mean() + F.cross_entropy(seen_fake[:, 1:], wanted) + 10 * F.l1_loss(again, a)
    assert found["g"].loss.item() == pytest.approx(value.item(), 1e-4)


def test_stargan_learns_several_labels_a_picture():
    game = tiny_game(LABELLED, preset="stargan", blocks=1, critic_steps=1)
    batch = drawn(game)(START) | {"labels": torch.tensor([[1.0, 0, 1], [0, 0, 1], [1, 1, 0], [0, 0, 0]])}
    found = losses(game, batch)
    assert sorted(map(tuple, batch["targets"].tolist())) == sorted(map(tuple, batch["labels"].tolist()))
    seen = game.networks["discriminator"](batch["a"])[:, 1:]
    wanted = F.binary_cross_entropy(seen.sigmoid(), batch["labels"], reduction="sum") / 4
    assert found["d"].figures["class"].item() == pytest.approx(wanted.item(), 1e-4)


def test_targets_are_every_class_and_those_of_a_share_are_those_of_the_whole():
    labels = torch.zeros(30, dtype=torch.int64)
    whole = domains.targets(labels, 3, START, Processes())
    assert whole.bincount().tolist() == pytest.approx([10, 10, 10], abs=6)
    halves = [domains.targets(labels[:15], 3, START._replace(share=Share(n, 2)), Processes()) for n in range(2)]
    assert torch.equal(torch.cat(halves), whole)


@pytest.mark.parametrize("preset", ["cyclegan", "cut", "unit", "munit"])
def test_results_that_both_losses_look_at_are_made_once(preset, monkeypatch):
    game = tiny_game(preset=preset, blocks=1)
    update_d, update_g = KINDS[game.settings.kind].updates(game)
    batch = drawn(game)(START)
    update_d.loss(batch, START)
    results = {name: value for name, value in batch.items() if name.startswith(("fake", "from_"))}
    assert results
    assert all(value.requires_grad for value in results.values())
    update_g.loss(batch, START)
    assert all(batch[name] is value for name, value in results.items())


def test_results_that_only_critics_look_at_have_no_way_back():
    game = tiny_game(preset="cyclegan", blocks=1, critic_steps=2)
    batch = drawn(game)(START)
    KINDS["unpaired"].updates(game)[0].loss(batch, START)
    assert not batch["fake_b"].requires_grad
