-- An allowance counts only with its `proof`, a keyed digest over all its other columns: who edits this file without the
-- installation's key allows nobody new. What a proof cannot tell is an older copy of the whole row, put back after it was
-- spent or taken back. A row from before has none, and is given anew.

ALTER TABLE allowance ADD COLUMN proof BLOB;
