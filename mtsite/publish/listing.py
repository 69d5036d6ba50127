"""Root and shards as they lie at a destination, read with suspicion."""

from mtsite.errors import DestinationError
from mtsite.publish.destination import Destination
from mtsite.publish.shards import ROOT, Line, Root, ShardRef, decode_root, decode_shard


def read_root(destination: Destination, content: bytes) -> Root:
    """The root's file as a root.

    Raises:
        DestinationError: it is none that this version knows.
    """
    try:
        return decode_root(content)
    except ValueError as error:
        raise DestinationError(
            f"{destination.name}: {ROOT} is not a manifest that this mtsite knows: {error}",
            "is it the right prefix, and was it published by a newer mtsite?",
        ) from error


def fetch_shard(destination: Destination, ref: ShardRef) -> list[Line]:
    """The lines of a shard, in one request.

    Raises:
        DestinationError: it is missing, or not what its name promises.
    """
    found = destination.get(ref.path)
    try:
        if found is None:
            raise ValueError("it is missing")
        return decode_shard(ref, found.content)
    except ValueError as error:
        raise DestinationError(
            f"{destination.name}: {ref.path}, a part of the manifest, can't be used: {error}",
            f"if nothing else publishes there, remove {ROOT} and publish everything anew",
        ) from error
