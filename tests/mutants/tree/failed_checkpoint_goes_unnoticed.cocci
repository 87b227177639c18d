// A checkpoint that failed is reported as one that copied nothing.
// killers: errors
@@
@@
checkpoint_after(...)
{
<...
- cp->status < 0 ? cp->status : 0
+ 0
...>
}
