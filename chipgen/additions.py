"""The folders that other commands add to a finished build; each is told of in the manifest under its name."""

from __future__ import annotations

EPOCHS, VIEW = "epochs", "view"
"""Named like the commands that write them."""

ADDED = (EPOCHS, VIEW)

PAGE = "index.html"
"""The page in `VIEW`."""

GONE = {
    EPOCHS: "epochs were drawn from the earlier chips and are gone: run chipgen epochs again",
    VIEW: "what chipgen view drew showed the earlier chips and is gone: run chipgen view again",
}
"""What is told when a build gets other chips than those that they were made of."""
