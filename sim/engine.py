"""The simulation: every device, the network and the cloud, event by event."""

from collections.abc import Generator

import numpy as np
from simpy import Event

from sim.client.exchange import Exchange
from sim.client.request import Request
from sim.clock import DECISION, Clock
from sim.compiled import scope
from sim.device.reserves import Reserves
from sim.device.session import Session
from sim.energy import fleet_energy_j, network_records
from sim.garbage import collecting_no_garbage
from sim.network.links import Links
from sim.radio.meter import RadioMeter
from sim.radio.wake_energy import WakeEnergy
from sim.records.interactions import InteractionRecords
from sim.records.requests import RequestRecords
from sim.records.result import SimulationResult
from sim.retraining.device_training import DeviceTraining
from sim.retraining.downloads import Downloads
from sim.retraining.retraining import Retraining
from sim.world import World
from workloads.progress import SILENT, Progress


def simulate(world: World, progress: Progress = SILENT) -> SimulationResult:
    """Run a world until its last session has ended.

    Large worlds go through compiled code where that knows everything that there is in them. It is
    many times as fast, and leaves bit for bit the same records.
    """
    links = world.make_links()
    interactions = int(world.sessions.steps.sum())
    if interactions < scope.COMPILED_FROM or not scope.knows(world):
        return simulate_events(world, links, progress)
    # Here, because importing the compiler takes longer than most small worlds.
    from sim.compiled.simulation import simulate_compiled

    return simulate_compiled(world, links, progress)


# Requests and their attempts refer to each other and stay until the end, so a search for garbage
# would go through all of them again and again and find next to nothing: a third of the time of a
# run of 15,000 requests (measured).
@collecting_no_garbage()
def simulate_events(world: World, links: Links, progress: Progress = SILENT) -> SimulationResult:
    """Run a world, whatever there is in it, until its last session has ended.

    A device enters the event heap when its session starts, sleeps there from one request to the
    next, and leaves it after its last request.

    Args:
        world: the world.
        links: its links, which nothing has crossed.
        progress: told how many sessions have ended.
    """
    clock = Clock()
    exchange = Exchange(clock, links, world)
    draws = world.policy_draws()
    interactions = InteractionRecords.empty(
        world.sessions.steps, world.table.steps, batteries=world.hardware.battery is not None
    )
    requests: list[Request] = []
    retraining = Retraining.of(world, clock, links, requests)
    by_step = Reserves.matter_in(world) or world.policies.read_link
    meter = RadioMeter.of(links) if by_step else None

    def run_session(device: int) -> Generator[Event, None, None]:
        parameters = retraining.join(device)
        training = parameters if isinstance(parameters, DeviceTraining) else None
        reserves = Reserves(world, device, meter, training) if meter is not None else None
        session = Session(
            world,
            device,
            draws[device],
            interactions,
            parameters,
            retraining.models,
            reserves,
            None if meter is None else WakeEnergy(links, meter, device).at,
        )
        while True:
            step = session.next_request()
            waking_s = session.waking_s(clock.now)
            if waking_s is None:
                break
            wake = clock.at(waking_s, DECISION + device)
            if isinstance(parameters, Downloads) and session.looks_ahead_of_downloads:
                yield wake | parameters.news()
                if not wake.processed:
                    session.reconsider(clock.now)
                    continue
                if step is None:
                    break  # at its last decision, when all that came in time is there
            else:
                yield wake
            if step is None:
                session.wake()
                continue
            request = session.request(step, clock.event())
            requests.append(request)
            yield exchange.send(request)
            session.resume(request)
        session.close()
        advance(1)

    def start_sessions() -> Generator[Event, None, None]:
        start_s = world.sessions.start_s
        for device in np.argsort(start_s, kind="stable").tolist():
            if start_s[device] > clock.now:
                yield clock.at(float(start_s[device]))
            clock.process(run_session(device))

    with progress.phase("simulate", world.devices) as advance:
        clock.process(start_sessions())
        retraining.start()
        clock.run()
    request_records = RequestRecords.collect(requests, interactions.horizon_s)
    adaptation = retraining.close(interactions)
    for request in requests:
        request.attempts.clear()  # a cycle, which otherwise only a search for garbage would free
    network = network_records(links, interactions)
    return SimulationResult(
        interactions=interactions,
        requests=request_records,
        cloud=exchange.cloud.records(interactions.horizon_s),
        events=clock.count_events(),
        energy_j=fleet_energy_j(world, network, interactions, adaptation),
        network=network,
        adaptation=adaptation,
    )
