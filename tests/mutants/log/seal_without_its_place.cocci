// A page's seal does not say where the page belongs.
// killers: test_seal
@@
expression place;
@@
seal_of(...)
{
<...
- XXH3_64bits_withSeed(page, HASHED_BYTES, place)
+ XXH3_64bits_withSeed(page, HASHED_BYTES, 0)
...>
}
