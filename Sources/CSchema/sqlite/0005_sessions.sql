-- Sessions.
SELECT 1;
