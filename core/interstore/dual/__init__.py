"""What a move without downtime is made of, for the processes that write and for who moves the data.

Two stores, the source and the target, hold the same documents; one of them, the *primary*, is
where the application reads and where each write goes first. All that is to be known of the move
lies in a model of the primary's own (`records.MODEL`):

- one **control** document: which store is the primary, and whether writes wait (`records.Control`);
- a **writer** for each process that writes: a lease that it renews, and which state of the control
  document it goes by (`records.Writer`);
- an **intent** for each write under way: which documents it is about (`records.Intent`).

The other store's control document is a pointer to the primary. A hand-over is one conditional
update of the primary's control document; whoever reads it later brings the pointer up to date.

What is written to the primary is brought to the other store by `settle`: write, then read the
primary again, until it holds what was written. Whoever was the last to write a document to the
other store has seen after it that the primary still holds the same, or else is not done, and its
intent stands. So any number of processes, killed at any instant, leave both stores equal once no
intents are left, whatever versions and incarnations a document has gone through.
"""
