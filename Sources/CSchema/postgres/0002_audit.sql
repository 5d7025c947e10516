-- Audit.
SELECT 1;
