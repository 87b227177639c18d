// A checkpoint that failed is reported as one that copied nothing.
// killers: errors
@@
@@
checkpoint_after(...)
{
<...
- int status = cp->status;
+ int status = 0;
...>
}
