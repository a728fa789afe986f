# Closures of Fiddle, Ruby's own library for C functions: qsort() asks a block how two numbers compare.
#
# With CALLBACKS_WAIT in the environment it says `ready` while its closures live, and goes on when it has read a line.
require 'fiddle'

NUMBERS = (0...200).map { |n| n * 7919 % 1009 }
POINTER = Fiddle::TYPE_VOIDP
SORT = Fiddle::Function.new(
  Fiddle::Handle::DEFAULT['qsort'],
  [POINTER, Fiddle::TYPE_SIZE_T, Fiddle::TYPE_SIZE_T, POINTER],
  Fiddle::TYPE_VOID
)

# A closure of its own that sorts by the distance from a number.
def by_distance(middle)
  Fiddle::Closure::BlockCaller.new(Fiddle::TYPE_INT, [POINTER, POINTER]) do |a, b|
    one, other = [a, b].map { |pointer| Fiddle::Pointer.new(pointer.to_i)[0, 4].unpack1('l') }
    [(one - middle).abs, one] <=> [(other - middle).abs, other]
  end
end

def nearest(compare)
  numbers = NUMBERS.pack('l*')
  SORT.call(numbers, NUMBERS.size, 4, compare)
  numbers.unpack('l*').first(4)
end

middles = (0...1000).step(50).to_a
first = middles.map { |middle| by_distance(middle) }
middles.zip(first) { |middle, compare| puts "near #{middle} #{nearest(compare)}" }
if ENV.key?('CALLBACKS_WAIT')
  puts 'ready'
  $stdout.flush
  $stdin.gets
end
puts "again #{nearest(first[7])}"
# A closure is freed with the object that has it.
first = nil
GC.start
second = middles.map { |middle| by_distance(middle + 25) }
middles.zip(second) { |middle, compare| puts "near #{middle + 25} #{nearest(compare)}" }
exit 24
