import threading
import time


async def test_documents_are_split_one_at_a_time(setup, monkeypatch):
    real, lock, at_once = setup.reader.split, threading.Lock(), []

    def split(*arguments, **options):
        at_once.append(not lock.acquire(blocking=False))
        time.sleep(0.01)
        lock.release()
        return real(*arguments, **options)

    monkeypatch.setattr(setup.reader, "split", split)
    results, _ = await setup.ingest(*((f"{i}.txt", f"text {i}") for i in range(8)))
    assert len(results) == 8
    assert at_once == [False] * 8, "another thread that computes holds up every other call"
