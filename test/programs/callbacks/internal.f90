! Internal procedures of Fortran that are passed on as arguments: gfortran makes a trampoline on the stack for each.
!
! With CALLBACKS_WAIT in the environment it says "ready" while they live, and goes on when it has read a line.
module numbers
  implicit none
  abstract interface
    integer function weight(number)
      integer, intent(in) :: number
    end function
  end interface
  integer, parameter :: how_many = 200
contains
  ! The number that weighs least.
  integer function lightest(weigh)
    procedure(weight) :: weigh
    integer :: n, number, least
    least = huge(least)
    lightest = -1
    do n = 0, how_many - 1
      number = mod(n * 7919, 1009)
      if (weigh(number) < least) then
        least = weigh(number)
        lightest = number
      end if
    end do
  end function

  recursive subroutine nested_deeply(depth, outer)
    integer, intent(in) :: depth
    procedure(weight) :: outer
    if (depth == 0) then
      print '(a, i0)', 'deep: ', lightest(outer)
      call wait_to_be_looked_at()
      print '(a, i0)', 'again: ', lightest(outer)
    else
      call nested_deeply(depth - 1, heavier)
    end if
  contains
    integer function heavier(number)
      integer, intent(in) :: number
      heavier = mod(outer(number) * 3 + depth, 1013)
    end function
  end subroutine

  subroutine wait_to_be_looked_at()
    character(len=16) :: line
    integer :: length
    call get_environment_variable('CALLBACKS_WAIT', length=length)
    if (length == 0) return
    print '(a)', 'ready'
    flush (6)
    read '(a)', line
  end subroutine
  subroutine nearest(to)
    integer, intent(in) :: to
    print '(a, i0, a, i0)', 'near ', to, ': ', lightest(distance)
  contains
    integer function distance(number)
      integer, intent(in) :: number
      distance = abs(number - to)
    end function
  end subroutine

  integer function itself(number)
    integer, intent(in) :: number
    itself = number
  end function
end module

program internal
  use numbers
  implicit none
  integer :: middle
  do middle = 0, 950, 50
    call nearest(middle)
  end do
  call nested_deeply(5, itself)
  do middle = 25, 975, 50
    call nearest(middle)
  end do
  call exit(31)
end program
