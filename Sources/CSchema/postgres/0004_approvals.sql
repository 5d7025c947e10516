-- Approvals.
SELECT 1;
