"""How weights change along worlds of eight steps, as a strategy of hypothesis."""

from fake_adaptation import FakeAdaptation
from hypothesis import strategies as st

ADAPTATIONS = st.one_of(
    st.builds(
        FakeAdaptation(8).on_device,
        every_interactions=st.integers(1, 4),
        # At 5e9 FLOP/s: no time, a tenth of a second, and 2 s, 20 s and 200 s.
        training_flops=st.sampled_from([0.0, 5e8, 1e10, 1e11, 1e12]),
    ),
    st.builds(
        FakeAdaptation(8).from_cloud,
        every_s=st.sampled_from([1.0, 3.0, 10.0, 40.0]),
        # At 1e9 FLOP/s, and the more the later: no time, a tenth of a second, and 2 s, 20 s.
        flops=st.sampled_from([0.0, 1e8, 2e9, 2e10]),
        parameter_bytes=st.sampled_from([0, 10_000, 1_000_000]),
    ),
)
