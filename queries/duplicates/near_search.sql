/*
title = "The search for near-duplicates"
doc   = "How near-duplicates were found: texts as sets of 5 consecutive words, MinHash signatures of 128 numbers, pairs that share a band compared by their signatures, pairs that agree connected to clusters. What it misses and what it takes too much: a pair is compared by chance, and a signature estimates the Jaccard similarity with a standard error of 0.045 at most. Groups of more than 32 texts are not compared pair by pair, but with their first text and their neighbours."
order = 45
approx = "138 pairs of real texts at or above 0.7: 0.86 of them were found, all of those at 0.8 and above; of what was found 0.84 is at 0.7 or above, all of it above 0.6. Clusters are chained: two members need not be alike."
approx_when = { always = "yes" }

[columns]
threshold                = { unit = "share", doc = "Jaccard similarity from which two texts are near-duplicates." }
n_bands                  = { unit = "count", doc = "Bands into which a signature is cut." }
n_band_rows              = { unit = "count", doc = "Numbers of the signature in each band." }
found_at_threshold_share = { unit = "share", doc = "Chance that a pair exactly at the threshold is compared: 1 - (1 - J^rows)^bands." }
found_above_share        = { unit = "share", doc = "The same for a pair a third of the way from the threshold to 1; the bands are chosen so that it is 0.95 or more." }
n_candidate_pairs        = { unit = "count", doc = "Pairs of different texts that were compared." }
n_pairs                  = { unit = "count", doc = "Of those, alike by their signatures." }
n_clusters               = { unit = "count", doc = "Clusters of different texts." }
n_texts                  = { unit = "count", doc = "Different texts in them." }
n_largest                = { unit = "count", doc = "Different texts in the largest." }
n_groups                 = { unit = "count", doc = "Groups of texts that share a band." }
n_capped_groups          = { unit = "count", doc = "Of those, groups too large for all their pairs to be compared: of more than 32 texts." }
n_skipped_pairs          = { unit = "count", doc = "Pairs within those that were not compared, unless another band brought them together." }
*/

-- result: over the catalogue's table
select
    threshold,
    n_bands,
    n_band_rows,
    1 - (1 - threshold ** n_band_rows) ** n_bands as found_at_threshold_share,
    1 - (1 - (threshold + (1 - threshold) / 3) ** n_band_rows) ** n_bands as found_above_share,
    n_candidate_pairs,
    n_pairs,
    n_clusters,
    n_texts,
    n_largest,
    n_groups,
    n_capped_groups,
    n_skipped_pairs
from duplicate_search
where threshold is not null;
