// An order is carried out although a program has used the name since.
// killers: test_echo_answer
@@
@@
echo_item_of(...)
{
<...
- !fs_echo_overtaken(&echo->queue, echo->item)
+ true
...>
}
