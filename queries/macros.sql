-- Helpers that every statistic may use. They are in the catalogue too.

-- Bins of a fine logarithmic scale: neighbouring bounds differ by 2 %, so a bin's middle is within 1 % of
-- every value in it. Zero has bin 0; negative values mirror the positive ones.
create macro log_bin(x) as
case
    when x is null then null
    when x = 0 then 0
    when x > 0 then 5000 + floor(ln(x) / ln(1.02))::integer
    else -5000 - floor(ln(-x) / ln(1.02))::integer
end;

-- The middle (geometric mean of the bounds) of a bin.
create macro log_bin_value(bin) as
case
    when bin is null then null
    when bin = 0 then 0.0
    when bin > 0 then 1.02 ** (bin - 5000 + 0.5)
    else -(1.02 ** (-bin - 5000 + 0.5))
end;
