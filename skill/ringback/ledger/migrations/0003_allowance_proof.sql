-- An allowance counts only with its `proof`, a keyed digest over all its other columns: who edits this file without the
-- installation's key allows nobody, and brings back nothing that was spent or taken back. One from before has none, and
-- is given anew.

ALTER TABLE allowance ADD COLUMN proof BLOB;
