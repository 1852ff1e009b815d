"""Optional helpers for adapters.

- `exact`: exact search in memory, and the similarity of vectors in each space.
- `stores`: what the collections of a vector store have in common.
- `folders`: where data and caches are kept, and a lock that keeps a second server out of a folder.
- `children`: processes of an adapter's own, which survive Ctrl-C and end with the server.
- `gpu`: a session on a GPU, which gives all its memory back, even after an error.
"""
