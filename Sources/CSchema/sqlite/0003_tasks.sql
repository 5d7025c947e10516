-- Tasks.
SELECT 1;
