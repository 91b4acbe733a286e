"""Whole worlds: networks, clouds, faults, clients and phones of all kinds, put together at random.

What is drawn are values of a scenario, so that the smallest example of a failure can be read.
"""

import numpy as np
from every_policy import POLICIES
from hypothesis import strategies as st
from pydantic import TypeAdapter
from random_adaptations import ADAPTATIONS
from random_clients import SERVINGS
from random_clouds import FAULTS, clouds
from random_networks import CELLS, JITTER, LINK_FAULTS, LOSS, MOBILE_OR_STEADY, TRACED
from random_phones import DEVICES
from random_world import make_world

from sim.client.settings import ServingSettings
from sim.cloud.settings import CloudSettings
from sim.device.settings import DeviceSettings
from sim.faults.settings import FaultSettings
from sim.network import AnyNetwork

STEPS = 8
KV_BYTES_PER_TOKEN = 131_072
NETWORKS = st.one_of(
    st.fixed_dictionaries(
        {
            "preset": st.sampled_from(["ideal", "3g", "4g", "wifi"]),
            "loss": LOSS,
            "jitter": JITTER,
            "bandwidth_spread": st.sampled_from([0.0, 0.5]),
        }
    ),
    MOBILE_OR_STEADY,
    CELLS,
    TRACED,
)
CLIENTS = st.builds(
    lambda serving, first_list, age: {
        **serving,
        "first_list": first_list,
        "first_list_age_steps": age,
    },
    SERVINGS,
    st.sampled_from(["preloaded", "none"]),
    st.sampled_from([0, 1, 3]),
)
PREFIX_CACHES = st.sampled_from([0, 100, 2000]).map(
    lambda tokens: {"memory_bytes": tokens * KV_BYTES_PER_TOKEN}
)
# Prompts have 20 tokens and 4 for each interaction, up to 200; all in all they take about a second.
PROMPTS = {
    "kind": "roofline",
    "accelerator": "t4",
    "served_model": {
        "parameters": 1e9,
        "prompt_tokens": 20,
        "tokens_per_interaction": 4,
        "max_prompt_tokens": 200,
        "output_tokens": 5,
    },
    "compute_utilisation": 0.05,
    "memory_utilisation": 0.0625,
}
RANDOM_SERVICE = {"kind": "random", "distribution": "exponential", "mean_s": 1.0}


@st.composite
def _clouds(draw):
    cloud = draw(clouds())
    static = cloud["batching"]["kind"] == "static"
    service = draw(st.sampled_from(["as it is", "prompts", *(["random"] if static else [])]))
    if service == "random":
        return {**cloud, "service_time": RANDOM_SERVICE}
    if service == "prompts":
        if not static and draw(st.booleans()):
            # Memory for one or two of the longest requests.
            batching = {**cloud["batching"], "kv_memory_bytes": 450 * KV_BYTES_PER_TOKEN}
            cloud = {**cloud, "batching": batching}
        return {**cloud, "service_time": PROMPTS, "prefix_cache": draw(PREFIX_CACHES)}
    return cloud


@st.composite
def _sessions(draw):
    """How many devices start when, how long they think, and how many steps they stay."""
    return {
        "devices": draw(st.integers(1, 12)),
        "starts": draw(st.sampled_from(["together", "spread", "burst"])),
        "think": draw(st.sampled_from(["whole seconds", "no time at all", "lognormal"])),
        "leaving": draw(st.booleans()),
        "scoring_flops": draw(st.sampled_from([0.0, 7e6])),
    }


WHOLE_WORLDS = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 1000),
        "sessions": _sessions(),
        "policy": st.sampled_from(POLICIES),
        "serving": CLIENTS,
        "network": NETWORKS,
        "devices": DEVICES,
        "cloud": _clouds(),
        "faults": st.builds(lambda cloud, links: {**cloud, **links}, FAULTS, LINK_FAULTS),
        "adaptation": st.none() | ADAPTATIONS,
    }
)


def whole_world(values, traces):
    """Make a world of values that were drawn; `traces` are the paths of traces by name."""
    sessions, network, seed = values["sessions"], values["network"], values["seed"]
    if network.get("kind") == "trace":
        network = {**network, **{way: traces[network[way]] for way in ("up", "down")}}
    devices, generator = sessions["devices"], np.random.default_rng(seed)
    think_s = {
        "whole seconds": generator.integers(0, 6, (devices, STEPS - 1)).astype(float),
        "no time at all": np.zeros((devices, STEPS - 1)),
        "lognormal": 4.0 * np.exp(generator.standard_normal((devices, STEPS - 1))),
    }[sessions["think"]]
    return make_world(
        devices=devices,
        users=5,
        steps=STEPS,
        seed=seed,
        policy=values["policy"],
        start_s=_start_s(sessions["starts"], generator, devices),
        think_s=think_s,
        lived_steps=generator.integers(1, STEPS + 1, devices) if sessions["leaving"] else None,
        scoring_flops=sessions["scoring_flops"],
        scoring_bytes=1e6,
        serving=ServingSettings.model_validate(values["serving"]),
        network=TypeAdapter(AnyNetwork).validate_python(network),
        hardware=DeviceSettings.model_validate(values["devices"]),
        cloud=CloudSettings.model_validate(values["cloud"]),
        faults=FaultSettings.model_validate(values["faults"]),
        adaptation=values["adaptation"],
    )


def _start_s(starts, generator, devices):
    if starts == "together":
        return np.zeros(devices)
    spread_s = generator.uniform(0.0, 20.0, devices)
    if starts == "spread":
        return spread_s
    burst_s = 15.0 + generator.standard_normal(devices)
    return np.where(generator.random(devices) < 0.8, burst_s, spread_s)
