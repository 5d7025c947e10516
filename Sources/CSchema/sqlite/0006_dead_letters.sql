-- Dead letters.
SELECT 1;
