<?php
// Callbacks of PHP's FFI: qsort() asks a PHP function how two numbers compare.
//
// With CALLBACKS_WAIT in the environment it says `ready` while its callbacks live, and goes on when it has read a line.

$library = FFI::cdef('
    typedef int (*compare_t)(const int *, const int *);
    void qsort(int *base, size_t count, size_t size, compare_t compare);
    struct callbacks { compare_t compare[20]; };
', 'libc.so.6');

const COUNT = 200;

/** A function that sorts by the distance from a number. */
function by_distance(int $middle): Closure
{
    return fn ($a, $b) => [abs($a[0] - $middle), $a[0]] <=> [abs($b[0] - $middle), $b[0]];
}

/** The numbers that come first when the C library sorts them. */
function nearest(FFI $library, $compare): string
{
    $numbers = $library->new('int[' . COUNT . ']');
    for ($n = 0; $n < COUNT; $n++) {
        $numbers[$n] = $n * 7919 % 1009;
    }
    $library->qsort($numbers, COUNT, 4, $compare);
    return "$numbers[0] $numbers[1] $numbers[2] $numbers[3]";
}

// What is kept in a structure of C stays alive until the end: that is how FFI keeps callbacks.
$kept = $library->new('struct callbacks');
for ($n = 0; $n < 20; $n++) {
    $kept->compare[$n] = by_distance($n * 50);
    echo 'near ', $n * 50, ' ', nearest($library, $kept->compare[$n]), "\n";
}
if (getenv('CALLBACKS_WAIT') !== false) {
    echo "ready\n";
    fgets(STDIN);
}
echo 'again ', nearest($library, $kept->compare[7]), "\n";
// Others take their places in the structure, and some live for one call alone.
for ($n = 0; $n < 20; $n++) {
    $kept->compare[$n] = by_distance($n * 50 + 25);
    echo 'near ', $n * 50 + 25, ' ', nearest($library, $kept->compare[$n]), "\n";
    echo 'once ', nearest($library, by_distance($n * 50 + 10)), "\n";
}
exit(25);
