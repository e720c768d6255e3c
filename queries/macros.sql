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

-- Bins of lengths: exact below 128, then 64 bins to each power of two; a bin is named by its smallest length.
-- All in integers, so bins are the same on any machine. (2 % bins will not do here: once a middle is rounded to
-- an integer, its error reaches 2 % between 50 and 100.)
create macro length_bin(n) as
case
    when n < 128 then n::bigint
    else (n >> (floor(log2(n))::integer - 6)) << (floor(log2(n))::integer - 6)
end;

-- The middle length of a bin: at most 0.8 % from every length in it.
create macro length_bin_value(bin) as
case
    when bin < 128 then bin
    else bin + ((1::bigint << (floor(log2(bin))::integer - 6)) - 1) // 2
end;

-- Bins for charts of lengths: 0, 1, 2, 3, 4, 6, 8, 12, 16, 24 ... (two to each power of two), named by their start.
create macro chart_bin(n) as
case
    when n < 2 then n::bigint
    when n >= 3 * (1::bigint << (floor(log2(n))::integer - 1)) then 3 * (1::bigint << (floor(log2(n))::integer - 1))
    else 1::bigint << floor(log2(n))::integer
end;

-- The end (exclusive) of a bin for charts.
create macro chart_bin_end(bin) as
case
    when bin < 2 then bin + 1
    when bin & (bin - 1) = 0 then bin + bin // 2
    else bin + bin // 3
end;

-- A score as a decimal with five places, so that sums do not depend on the order; beyond 10^12 it counts as 10^12.
create macro fixed_score(x) as
case when isfinite(x) then round(greatest(least(x, 1e12), -1e12), 5)::decimal(18, 5) end;

-- Bins for charts of scores, half-open, named by their start: 0.05 wide from -1 to 1, beyond as `chart_bin`, mirrored.
create macro score_bin(score) as
case
    when score >= 1 then chart_bin(floor(score)::bigint)::decimal(18, 5)
    when score >= -1 then (floor(score * 20)::integer * 0.05)::decimal(18, 5)
    else -chart_bin_end(chart_bin(ceil(-score)::bigint - 1))::decimal(18, 5)
end;

-- The end (exclusive) of a bin for charts of scores.
create macro score_bin_end(bin) as
case
    when bin >= 1 then chart_bin_end(bin::bigint)::decimal(18, 5)
    when bin >= -1 then (bin + 0.05)::decimal(18, 5)
    when bin = -2 then -1::decimal(18, 5)
    when (-bin)::bigint & ((-bin)::bigint - 1) = 0 then (-((-bin)::bigint * 3 // 4))::decimal(18, 5)
    else (-((-bin)::bigint * 2 // 3))::decimal(18, 5)
end;

-- The numbers of the rules in a mask of hits, smallest first. Bit 0 is rule 0.
create macro rules_of(mask) as
list_transform(
    [mask::bit],
    lambda bits: list_filter(
        range(if(bit_count(bits) = 0, 0, bit_length(bits) - bit_position('1'::bit, bits) + 1)),
        lambda rule: get_bit(bits, (bit_length(bits) - 1 - rule)::integer) = 1
    )::integer[]
)[1];
