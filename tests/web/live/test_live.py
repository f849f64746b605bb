"""The process that answers at once, and who asks it: errors in words, the newest question, deaths and idleness."""

import asyncio
import sys
from pathlib import Path

import psutil
import pytest

from scumble.errors import ScumbleError, SettingsError
from scumble.web.live import client
from scumble.web.live.client import Live, SupersededError

FAKE = (sys.executable, str(Path(__file__).with_name("fake_process.py")))


def run(home, questions):
    """Ask in an event loop of its own; the process ends with it."""

    async def asked():
        live = Live(home, FAKE)
        try:
            return await asyncio.wait_for(questions(live), 60)
        finally:
            await live.stop()
            assert live._running is None

    return asyncio.run(asked())


def is_gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until(condition):
    while not condition():
        await asyncio.sleep(0.01)


def test_questions_are_answered_by_one_process_that_is_kept(tmp_path):
    async def questions(live):
        live.warm()
        answers = await asyncio.gather(*(live.ask("echo", {"number": number}) for number in range(20)))
        assert [answer["wanted"] for answer in answers] == [{"number": number} for number in range(20)]
        assert len({answer["process"] for answer in answers}) == 1
        assert await live.ask("loud", {}) == {}
        return answers[0]["process"]

    assert is_gone(run(tmp_path, questions))


def test_errors_come_back_as_what_they_are(tmp_path):
    async def questions(live):
        with pytest.raises(SettingsError, match="size: got 9, wanted less"):
            await live.ask("refuse", {"size": 9})
        with pytest.raises(ScumbleError, match="went wrong that should not have: division by zero"):
            await live.ask("fail", {})
        with pytest.raises(ScumbleError, match="went wrong"):
            await live.ask("unknown", {})
        assert (await live.ask("echo", {}))["wanted"] == {}

    run(tmp_path, questions)
    assert "ZeroDivisionError" in (tmp_path / "live.txt").read_text()


def test_a_death_costs_the_answers_that_were_owed_and_nothing_else(tmp_path):
    async def questions(live):
        first = (await live.ask("echo", {}))["process"]
        owed = asyncio.gather(live.ask("die", {}), live.ask("echo", {}), return_exceptions=True)
        assert [str(error) for error in await owed] == [client.DIED] * 2
        assert (await live.ask("echo", {}))["process"] != first

    run(tmp_path, questions)


def test_only_the_newest_question_of_a_client_is_answered(tmp_path):
    until_there = {"until": str(tmp_path / "go")}

    async def questions(live):
        first = asyncio.create_task(live.ask("slow", until_there | {"number": 1}, "a"))
        await asyncio.sleep(0)
        others = [
            asyncio.create_task(live.ask("slow", until_there | {"number": n}, c)) for n, c in ((2, "a"), (3, "b"))
        ]
        with pytest.raises(SupersededError):
            await first
        third = asyncio.create_task(live.ask("slow", until_there | {"number": 4}, "a"))
        with pytest.raises(SupersededError):
            await others[0]
        free = asyncio.create_task(live.ask("slow", until_there | {"number": 5}))
        (tmp_path / "go").touch()
        assert [(await one)["done"] for one in (others[1], third, free)] == [3, 4, 5]
        assert not live._newest

    run(tmp_path, questions)


def test_a_slow_answer_is_given_up_for_a_newer_question(tmp_path):
    async def questions(live):
        never = asyncio.create_task(live.ask("slow", {"until": str(tmp_path / "never")}, "a"))
        await until(lambda: live._running and live._running.owed)
        later = asyncio.create_task(live.ask("slow", {"until": str(tmp_path), "number": 2}, "a"))
        with pytest.raises(SupersededError):
            await never
        assert await later == {"done": 2}

    run(tmp_path, questions)


def test_the_process_ends_when_nobody_asks(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "IDLE_SECONDS", 0.2)

    async def questions(live):
        process = (await live.ask("echo", {}))["process"]
        await until(lambda: live._running is None)
        await until(lambda: is_gone(process))
        assert (await live.ask("echo", {}))["process"] != process

    run(tmp_path, questions)


def test_the_process_ends_with_its_server(tmp_path):
    async def questions(live):
        process = (await live.ask("echo", {}))["process"]
        busy = asyncio.create_task(live.ask("slow", {"until": str(tmp_path / "never")}))
        await until(lambda: live._running.owed)
        live._running.process.stdin.close()  # as when the server is killed
        await until(lambda: is_gone(process))
        with pytest.raises(ScumbleError, match="ended unexpectedly"):
            await busy

    run(tmp_path, questions)


def test_a_process_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.5)

    async def questions(live):
        with pytest.raises(ScumbleError, match="took too long"):
            await live.ask("slow", {"until": str(tmp_path / "never")})
        monkeypatch.setattr(client, "ANSWER_SECONDS", 60)
        assert (await live.ask("echo", {}))["wanted"] == {}

    run(tmp_path, questions)


def test_what_is_slow_keeps_nobody_waiting(tmp_path):
    async def questions(live):
        slow = asyncio.create_task(live.ask("plan", {"until": str(tmp_path / "go"), "number": 1}, "a"))
        await until(lambda: live._running and live._running.owed)
        assert (await live.ask("echo", {}, "a"))["wanted"] == {}
        assert not slow.done()
        (tmp_path / "go").touch()
        assert await slow == {"done": 1}

    run(tmp_path, questions)
